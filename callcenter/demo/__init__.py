"""The demo district: invented people, homes, devices and providers, the same for the same seed."""
