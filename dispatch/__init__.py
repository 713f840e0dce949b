"""Arrivals and tickets: states, matching, offers, deadlines, alarms and their plans, follow-up."""
