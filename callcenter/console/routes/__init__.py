"""The console's routes, one file for each part of the work."""
