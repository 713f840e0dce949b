"""The town: a telephone network with people on it, for the demo and the tests."""
