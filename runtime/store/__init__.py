"""The only code that calls AWS: one module per use of a service."""
