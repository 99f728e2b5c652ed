"""Batch processing and idempotency by Powertools."""
