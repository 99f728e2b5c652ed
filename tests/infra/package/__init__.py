"""Tests of the deployment package: its contents, and that the same inputs give the same bytes."""
