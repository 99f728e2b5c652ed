"""Tests of the calls to AWS, with clients that only record or refuse them."""
