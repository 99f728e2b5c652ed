"""The web page of a running instance: order, watch, make it fail, make it well again."""
