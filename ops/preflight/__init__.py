"""Checks before a deployment. None of them changes anything."""
