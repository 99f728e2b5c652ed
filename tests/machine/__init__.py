"""Tests on machines with unusual settings: proxies, wrong AWS settings, line endings, and unreachable package
indexes."""
