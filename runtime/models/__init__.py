"""The data models of requests, answers, queue messages and stored orders."""
