"""Templates of the town's own Asterisk, which plays every telephone outside the exchange."""
