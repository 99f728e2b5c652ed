"""Edge cases of the rules about combinations of options: one table for each subject."""

from tests.infra.rule_edges import api, data, delivery, events, general, messaging
from tests.infra.rule_edges.model import Edges

EDGES: Edges = {
    **general.EDGES,
    **api.EDGES,
    **data.EDGES,
    **delivery.EDGES,
    **events.EDGES,
    **messaging.EDGES,
}
"""The edge cases of all rules."""
