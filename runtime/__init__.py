"""Code that runs in Lambda: handlers (event in, answer out) → logic (decides) → store (the only caller of AWS)."""
