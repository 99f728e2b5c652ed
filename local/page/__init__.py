"""The web page of a running instance: place orders, watch them, inject faults, redrive dead letters."""
