"""What the telephone says and asks."""
