"""Tools that check and measure the product: simulation, benchmarks, mutation, recordings, generators of docs."""
