"""`python -m pipeline.package`: build the functions' package; with --check, also import its handlers.

Exit codes: 0 built, 1 refused (the message says why), 2 wrong usage.

example:
  python -m pipeline.package build --no-bytecode --json
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from pipeline.help import HelpFormatter
from pipeline.package.build import build_package, to_stderr
from pipeline.package.check import check_handlers, plain_environment
from pipeline.package.spec import Architecture, BuildError, LambdaTarget, LocalTarget, PackageSpec, PythonVersion


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0 built, 1 refused (reason on stderr), 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        spec = _spec(options)
    except ValidationError as error:
        places = (
            (".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, ")) for item in error.errors()
        )
        sys.stderr.write(f"error: {'; '.join(': '.join(filter(None, each)) for each in places)}\n")
        return 2
    started = time.monotonic()
    variables = dict([*options.env_file, *options.env])  # --env overrides --env-file
    try:
        package = build_package(spec, to_stderr)
        imports = check_handlers(spec, package, plain_environment(variables)) if options.check else None
    except BuildError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    report = {
        "path": str(package.path),
        "sha256": package.sha256,
        "source_code_hash": package.source_code_hash,
        "size": package.size,
        "unzipped_size": package.unzipped_size,
        "files": package.files,
        "python": package.python,
        "seconds": round(time.monotonic() - started, 1),
    }
    if imports is not None:
        report["import_milliseconds"] = imports
    lines = json.dumps(report, indent=2) if options.json else "\n".join(f"{key:17} {report[key]}" for key in report)
    sys.stdout.write(f"{lines}\n")
    return 0


def _spec(options: argparse.Namespace) -> PackageSpec:
    fields = {"python_version": options.python_version, "architecture": options.architecture}
    given = {name: value for name, value in fields.items() if value is not None}
    return PackageSpec(
        root=options.root,
        target=(LambdaTarget if options.target == "lambda" else LocalTarget).model_validate(given),
        bytecode=options.bytecode,
        bytecode_release=options.bytecode_release,
    )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _variables(text: str) -> list[tuple[str, str]]:
    try:
        lines = Path(text).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a readable text file: {error}") from None
    return [_variable(line) for line in lines if line.strip()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.package", description=__doc__, formatter_class=HelpFormatter
    )
    parser.add_argument("command", choices=["build"], help="build the package")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the project's folder (default: the current one)")
    parser.add_argument(
        "--target",
        choices=["lambda", "local"],
        default="lambda",
        help="local: for the running Python and this machine (default: lambda)",
    )
    parser.add_argument("--python-version", choices=get_args(PythonVersion), help="Lambda runtime (default: 3.13)")
    parser.add_argument("--architecture", choices=get_args(Architecture), help="processor (default: arm64)")
    parser.add_argument("--no-bytecode", dest="bytecode", action="store_false", help="sources only, slower cold starts")
    parser.add_argument("--bytecode-release", help="compile with exactly this Python release, e.g. 3.13.0")
    parser.add_argument("--check", action="store_true", help="import every handler in an isolated interpreter")
    parser.add_argument(
        "--env",
        action="append",
        type=_variable,
        default=[],
        metavar="NAME=VALUE",
        help="variable for --check; repeatable",
    )
    parser.add_argument(
        "--env-file",
        type=_variables,
        default=[],
        metavar="FILE",
        help="variables for --check, a NAME=VALUE on each line",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
