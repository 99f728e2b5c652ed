"""Runs the Pulumi program in this process and creates its resources in the embedded AWS."""
