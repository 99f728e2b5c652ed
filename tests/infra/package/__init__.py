"""The deployment package: what is in it, and that the same inputs give the same bytes."""
