"""The machine around us: proxies, AWS settings, checkouts and indexes that are not what we would like."""
