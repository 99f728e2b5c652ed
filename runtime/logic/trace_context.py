"""The W3C trace context that an order carries: the caller's, else that of the X-Ray segment."""

import re
from typing import Final

_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_XRAY: Final = re.compile(
    r"Root=1-(?P<time>[0-9a-f]{8})-(?P<random>[0-9a-f]{24})"
    r"(?:;Parent=(?P<parent>[0-9a-f]{16}))?(?:;Sampled=(?P<sampled>[01]))?"
)


def traceparent(header: str | None, xray_trace_id: str | None) -> str | None:
    """Return a `traceparent`, or None if neither argument gives one.

    `header` is the request's `traceparent`. If it is well-formed and has version 00, it is returned as it is.
    `xray_trace_id` is the value of Lambda's `_X_AMZN_TRACE_ID`. To make a W3C trace id,
    remove the `1-` at the beginning and the second dash of the X-Ray trace id.
    """
    if header and _TRACEPARENT.fullmatch(header):
        return header
    found = _XRAY.match(xray_trace_id or "")
    if not found or not found["parent"]:
        return None
    return f"00-{found['time']}{found['random']}-{found['parent']}-0{found['sampled'] or 0}"
