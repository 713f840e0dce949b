"""Messages out and in: gateways, the pump that empties the outbox, the texts, and what people reply."""
