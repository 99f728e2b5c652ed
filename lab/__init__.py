"""Equipment that proves and measures: simulation, benchmarks, mutation, recordings, generators of docs."""
