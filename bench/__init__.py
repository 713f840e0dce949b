"""Benchmarks: each figure beside its floor, measured in the same run. `make bench` runs all; see README.md."""
