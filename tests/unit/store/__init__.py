"""The calls of AWS, on clients that only record or refuse."""
