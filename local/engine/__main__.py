"""Makes a `pulumi` command available.

    python -m local.engine

Exit codes: 0 there is one (path and version are printed), 1 building one failed, 3 there is none and this machine
cannot build one (what to do is printed). Code 3 is distinct so that a gate can go on and say that nothing was checked
with the real engine.
"""

import argparse
import sys

from local.engine import EngineBuildError, EngineUnavailableError, available
from local.engine.versions import text

NOT_AVAILABLE = 3


def main(arguments: list[str] | None = None) -> int:
    """Find or build it."""
    argparse.ArgumentParser(
        prog="python -m local.engine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    try:
        engine = available(_say)
    except EngineUnavailableError as error:
        _say(f"{error}\nNothing was checked with the real engine.")
        return NOT_AVAILABLE
    except EngineBuildError as error:
        _say(str(error))
        return 1
    sys.stdout.write(f"{engine.path} {text(engine.version)}\n")
    return 0


def _say(message: str) -> None:
    sys.stderr.write(f"engine: {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
