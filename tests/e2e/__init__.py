"""End-to-end tests of the deployed local stack, which use only HTTP and the AWS APIs."""
