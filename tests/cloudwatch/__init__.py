"""CloudWatch's alarm semantics, what AWS publishes as data, and the proof that each alarm fires and recovers."""
