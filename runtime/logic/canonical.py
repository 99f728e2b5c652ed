"""The canonical form of a body: two bodies are the same request when their canonical forms are equal."""

import json


def canonical(document: object) -> str:
    """Write a parsed JSON `document` with sorted names, no white space and ASCII only.

    `document` is what the client sent, without our model's defaults, because a default of a later version must not
    turn a correct retry into "the key was used with another body". Strings stay as they were sent: `"1.0"` is not
    `"1.00"`.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
