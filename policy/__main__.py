"""Entry point of `pulumi preview --policy-pack policy`, run by the engine."""

import sys
from pathlib import Path

# The engine starts a policy pack with the pack's folder on the path, not the project's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import PolicyPack

from policy.engine import to_policy
from policy.rules import RULES

PolicyPack("orders", [to_policy(rule) for rule in RULES])
