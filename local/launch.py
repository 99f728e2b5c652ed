"""Starts MiniStack with our additions. The emulator's own interpreter runs this script instead of `-m ministack`.

The additions use internal names of MiniStack. MiniStack's version is locked. If a name is missing,
the emulator does not start, and its error shows the missing name.
"""

import asyncio
import importlib
import os
import resource
import runpy
from pathlib import Path
from typing import Any

# The additions are loaded by path. If this folder were on the module path, its files would hide other modules with the
# same names.
_HERE = Path(__file__).parent


# MiniStack's own server uses the same keep-alive time.
_KEEP_ALIVE_SECONDS = 75
_BACKLOG = 512


def main() -> None:
    """Start MiniStack with our additions, on the Unix socket whose path is in ORDERS_LOCAL_SOCKET."""
    runpy.run_path(str(_HERE / "session_keys.py"))["share_session_keys"](
        importlib.import_module("ministack.services.sts"),
        importlib.import_module("ministack.core.lambda_runtime"),
        Path(os.environ["ORDERS_LOCAL_KEYS"]),
    )
    runpy.run_path(str(_HERE / "weights.py"))["add_weights"](importlib.import_module("ministack.services.lambda_svc"))
    runpy.run_path(str(_HERE / "shared_code.py"))["share_code"](
        importlib.import_module("ministack.core.lambda_runtime")
    )
    runpy.run_path(str(_HERE / "metrics.py"))["count"](
        *(
            importlib.import_module(f"ministack.services.{name}")
            for name in ("lambda_svc", "apigateway", "cloudwatch", "sqs")
        )
    )
    runpy.run_path(str(_HERE / "log_words.py"))["log_as_aws"](
        importlib.import_module("ministack.services.cloudwatch_logs"),
        importlib.import_module("ministack.services.lambda_svc"),
    )
    _raise_file_limit()
    asyncio.run(_serve(os.environ["ORDERS_LOCAL_SOCKET"]))


async def _serve(path: str) -> None:
    """Serve MiniStack's application as MiniStack does, but on a socket that no other user of the machine can open."""
    app: Any = importlib.import_module("ministack.app").app
    config: Any = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"unix:{path}"]
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    config.backlog = _BACKLOG
    await importlib.import_module("hypercorn.asyncio").serve(app, config)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
