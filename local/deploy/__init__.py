"""Runs the Pulumi program in process and creates what it registers in the embedded AWS."""
