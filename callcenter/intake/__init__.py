"""Every door: what comes in by whichever way becomes one arrival, committed before it is acknowledged."""
