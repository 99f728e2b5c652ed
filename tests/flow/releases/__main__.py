"""Records, before a release, what the code writes for an order: answers, messages, items, event."""

import argparse
import json

from tests.flow.releases import FOLDER, record


def main() -> None:
    """Write the recording of one release."""
    parser = argparse.ArgumentParser(prog="python -m tests.flow.releases", description=__doc__)
    parser.add_argument("release", help="the release's version, such as 0.2.0")
    path = FOLDER / f"{parser.parse_args().release}.json"
    path.write_text(json.dumps(record(), indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
