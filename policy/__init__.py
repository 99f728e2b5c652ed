"""Policy pack: what every stack must keep, checked by `pulumi preview --policy-pack policy`."""
