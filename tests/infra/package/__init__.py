"""Tests of the deployment package: contents, cache, refusals, and identical bytes for the same inputs."""
