"""Who serves: the registry of providers, what they offer and where, their replies."""
