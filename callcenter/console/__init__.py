"""The operators' and supervisors' pages: signed-in, live, and quick when a press comes in."""
