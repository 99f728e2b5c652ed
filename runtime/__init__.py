"""Code that runs in Lambda: handlers (event in, answer out) → logic (decides) → store (our only calls to AWS)."""
