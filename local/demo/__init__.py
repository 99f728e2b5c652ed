"""`demo`: shows the whole pipeline step by step, on a new instance."""
