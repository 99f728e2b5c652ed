"""Tests of the calls to AWS, without AWS: clients record or refuse the calls, or a local server answers them."""
