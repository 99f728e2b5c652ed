"""Policy pack: rules for every stack, which `pulumi preview --policy-pack policy` checks."""
