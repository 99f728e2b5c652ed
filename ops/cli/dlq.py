"""`dlq`: shows dead letters with their orders, redrives or discards them, and shows who did so."""

from typing import Any

from ops.cli import dlq_discard, dlq_history, dlq_list, dlq_redrive
from ops.cli.common import add_group


def register(commands: Any) -> None:
    """Add the commands."""
    actions = add_group(
        commands,
        "dlq",
        "list dead letters with their orders, redrive dead letters, or discard them",
        "python -m ops dlq list",
        "list, repair the cause that the list shows, then redrive. Discard messages that can never succeed.",
    )
    dlq_list.register(actions)
    dlq_redrive.register(actions)
    dlq_discard.register(actions)
    dlq_history.register(actions)
