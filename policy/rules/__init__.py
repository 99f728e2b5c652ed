"""Every rule of the pack, one module per subject."""

from typing import Final

from policy.model import Rule
from policy.rules.access import ACCESS_RULES
from policy.rules.alarms import ALARM_RULES
from policy.rules.data import DATA_RULES
from policy.rules.edge import EDGE_RULES
from policy.rules.functions import FUNCTION_RULES
from policy.rules.messaging import MESSAGING_RULES
from policy.rules.tags import TAG_RULES

RULES: Final[tuple[Rule, ...]] = (
    *ACCESS_RULES,
    *ALARM_RULES,
    *DATA_RULES,
    *EDGE_RULES,
    *FUNCTION_RULES,
    *MESSAGING_RULES,
    *TAG_RULES,
)
