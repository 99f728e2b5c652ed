"""The only code that calls AWS; each module has one purpose."""
