"""`audit`: checks the guarantees G1 to G6 against a stack's tables, queues and logs. It changes nothing."""
