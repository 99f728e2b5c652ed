"""Command line for people on call: see which orders wait or failed, and why, and redrive, resend or discard them."""
