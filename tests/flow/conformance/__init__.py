"""Runs the same scenarios on the fake, moto and MiniStack, and compares each with AWS's documentation."""
