"""Who asks: people, homes, contacts, devices and what they have agreed to."""
