"""What can stand in the way of a deployment, asked before it: nothing here changes anything."""
