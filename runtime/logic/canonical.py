"""The canonical form of a body: two bodies are the same request when their canonical forms are equal."""

import json


def canonical(document: object) -> str:
    """Write a parsed JSON `document` with sorted names, no white space and ASCII only.

    `document` is what the client sent, without our model's defaults. Otherwise a later version's new default would
    change the canonical form, and a correct retry would be refused with "the key was used with another body". Strings
    stay as they were sent: `"1.0"` is not `"1.00"`.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
