"""`demo`: shows the whole pipeline step by step, on an instance of its own."""
