"""The ticks: deadlines fired, the outbox swept, the lease renewed. Due times live in rows, never in a job store."""
