"""`audit`: the guarantees G1 to G6, counted from what a stack's tables, queues and logs say. Nothing is changed."""
