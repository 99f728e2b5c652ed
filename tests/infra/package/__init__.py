"""Tests of the deployment package: its contents, its cache, refusals, and that the same inputs give the same bytes."""
