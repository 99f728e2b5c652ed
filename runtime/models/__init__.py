"""The data models, in one place: what clients send, what travels in the queue, what the orders table holds."""
