"""`demo`: the whole pipeline, told step by step on an instance of its own."""
