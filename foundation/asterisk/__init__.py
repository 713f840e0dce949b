"""Run a private Asterisk: bring it, render its configuration, start it, watch it, stop it.

Nothing here knows the call centre: the centre's exchange and the town's telephone network both stand on it.
"""
