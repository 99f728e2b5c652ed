"""Makes a `pulumi` command available.

    python -m local.engine

Exit codes:
  0  a command is available; its path and version are printed
  1  the build failed
  3  no command is available, and this machine cannot build one; the message says what to do

After code 3 a script can go on, and report that nothing was checked with the real engine.
"""

import argparse
import sys

from local.engine import EngineBuildError, EngineUnavailableError, available
from local.engine.versions import text
from pipeline.help import HelpFormatter

NOT_AVAILABLE = 3


def main(arguments: list[str] | None = None) -> int:
    """Find or build the command, and print its path and version."""
    argparse.ArgumentParser(
        prog="python -m local.engine",
        description=__doc__,
        formatter_class=HelpFormatter,
    ).parse_args(arguments)
    try:
        engine = available(_log)
    except EngineUnavailableError as error:
        _log(f"{error}\nTests with the real engine cannot run now, so nothing was checked with it.")
        return NOT_AVAILABLE
    except EngineBuildError as error:
        _log(str(error))
        return 1
    sys.stdout.write(f"{engine.path} {text(engine.version)}\n")
    return 0


def _log(message: str) -> None:
    sys.stderr.write(f"engine: {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
