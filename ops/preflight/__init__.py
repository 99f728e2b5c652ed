"""Questions asked before a deployment about what can stand in its way. Nothing here changes anything."""
