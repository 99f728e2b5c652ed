"""The deployed local stack, over HTTP and the AWS API only."""
