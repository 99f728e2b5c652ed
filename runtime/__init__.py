"""What runs in AWS Lambda: handlers (event in, answer out) → logic (decides) → store (the only caller of AWS)."""
