"""End-to-end tests of deployed stacks, through HTTP, the AWS APIs and the commands of this repository."""
