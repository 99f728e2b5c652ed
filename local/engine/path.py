"""Fills a folder with stand-ins for Pulumi's plugins. If the folder comes first on the PATH, `pulumi` uses them."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from local.engine.find import Engine

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = ROOT / ".build" / "engine"

_HOST = """#!/bin/sh
# Written by local/engine. To run a Python program, the engine starts this stand-in for Pulumi's language host.
exec {python} -c 'import sys; sys.path.insert(0, sys.argv[1]); from local.engine.language_host.__main__ import main
sys.exit(main(sys.argv[2:]))' {root} {script} "$@"
"""

_PROVIDER = """#!/bin/sh
# Written by local/engine. Because this file exists, the engine does not download the AWS provider. The engine attaches
# to a running provider instead.
echo "PULUMI_DEBUG_PROVIDERS=aws:PORT is not set, so there is no AWS provider to attach to." >&2
exit 1
"""


def prepare(engine: Engine, folder: Path = DEFAULT_FOLDER) -> Path:
    """Fill `folder` with the commands and plugins that the engine needs, and return the folder.

    An installed `pulumi` keeps its own language host. If local/engine built the `pulumi`, `folder` also gets the
    stand-in for the language host and a link to this `pulumi`.
    """
    if engine.path.parent == folder:
        # The prepared folder is already on the path.
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    _executable(folder / "pulumi-resource-aws", _PROVIDER)
    if engine.host_script is None:
        for name in ("pulumi", "pulumi-language-python"):
            (folder / name).unlink(missing_ok=True)
        return folder
    _link(engine.path, folder / "pulumi")
    quoted = {"python": sys.executable, "root": str(ROOT), "script": str(engine.host_script)}
    host = _HOST.format(**{key: shlex.quote(value) for key, value in quoted.items()})
    _executable(folder / "pulumi-language-python", host)
    return folder


def _executable(path: Path, content: str) -> None:
    if not path.exists() or path.read_text() != content:
        path.write_text(content)
        path.chmod(0o755)


def _link(source: Path, target: Path) -> None:
    """Make a hard link to `source`, or else a copy.

    With a symbolic link, the engine would look for its language host in the folder of `source`.
    """
    if target.exists() and (target.samefile(source) or target.stat().st_mtime_ns == source.stat().st_mtime_ns):
        return
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        # A hard link to another file system is not possible.
        shutil.copy2(source, target)
