"""A Pulumi program that uses one component: a queue with a dead-letter queue.

Put three things into a folder: `components/`, this file with the name `__main__.py`, and a `Pulumi.yaml` that contains
`name: mail` and `runtime: python`.
"""

import pulumi

from components.component import Scope
from components.queue import Queue, QueueArgs

project, stack = pulumi.get_project(), pulumi.get_stack()
scope = Scope(prefix=f"{project}-{stack}", tags={"Project": project, "Stack": stack})

letters = Queue(
    "letters",
    scope,
    QueueArgs(
        visibility_timeout_seconds=60,
        retention_seconds=4 * 86_400,
        dead_letter_retention_seconds=14 * 86_400,
        max_receive_count=5,
    ),
)
pulumi.export("queue_url", letters.url)
pulumi.export("dead_letter_url", letters.dead_letter_url)
