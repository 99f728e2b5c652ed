"""Powertools at work: each record of a batch on its own, each order and each answer once."""
