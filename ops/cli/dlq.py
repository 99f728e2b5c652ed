"""`dlq`: orders that the worker gave up on."""

from typing import Any

from ops.cli import dlq_discard, dlq_history, dlq_list, dlq_redrive
from ops.cli.common import add_group


def register(commands: Any) -> None:
    """Add the commands."""
    actions = add_group(
        commands,
        "dlq",
        "dead letters: see them as orders, send them back, or give them up",
        "python -m ops dlq list",
        "list, repair the cause that it shows, then redrive. What can never succeed: discard.",
    )
    dlq_list.register(actions)
    dlq_redrive.register(actions)
    dlq_discard.register(actions)
    dlq_history.register(actions)
