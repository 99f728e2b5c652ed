"""Entry point of the policy pack. The engine runs it for `pulumi preview --policy-pack policy`."""

import sys
from pathlib import Path

# The engine puts the pack's folder on `sys.path`, not the project's folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import PolicyPack

from policy.engine import to_policy
from policy.rules import RULES

PolicyPack("orders", [to_policy(rule) for rule in RULES])
