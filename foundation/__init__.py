"""What all rooms stand on: database, unit of work, clock, events, outbox, inbox, deadlines, numbers, text."""
