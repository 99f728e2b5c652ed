"""Checks and helpers for people who work on this program; nothing here is deployed."""
