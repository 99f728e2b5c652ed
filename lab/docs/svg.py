"""SVG elements for the pictures in docs/."""

from collections.abc import Iterable
from html import escape
from typing import Final

COLOURS: Final = ("#1f5fbf", "#c2571a", "#2b7d3b", "#7b3fa0")
STYLE: Final = (
    "text{font:12px Helvetica,Arial,sans-serif;fill:#16191f}.t{font-weight:bold}"
    ".h{font-weight:bold;font-size:18px}.n{font-size:34px}.s{font-size:11px;fill:#545b64}"
    ".e{text-anchor:end}.m{text-anchor:middle}.g{stroke:#e3e6ea;stroke-width:1}"
    "path{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.a{stroke:#b3261e;stroke-dasharray:5 3}"
)


def text(x: float, y: float, content: str, kind: str = "") -> str:
    """Return one line of text, with the style classes `kind`."""
    return f'<text x="{x:g}" y="{y:g}"' + (f' class="{kind}"' if kind else "") + f">{escape(content)}</text>"


def rect(x: int, y: int, width: int | str, height: int | str, fill: str, line: str) -> str:
    """Return a rectangle."""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="2" fill="{fill}" stroke="{line}"/>'


def line(left: float, right: float, y: float, kind: str = "g") -> str:
    """Return a horizontal line, with the style classes `kind`."""
    return f'<path d="M{left:g},{y:g}H{right:g}" class="{kind}"/>'


def svg(x: int, y: int, width: int, height: int, parts: Iterable[str]) -> str:
    """Return `parts` as a picture with its position in a larger picture."""
    begin = f'<svg x="{x}" y="{y}" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return "\n".join((begin, *parts, "</svg>"))


def page(width: int, height: int, parts: Iterable[str]) -> str:
    """Return a whole SVG file."""
    background = rect(0, 0, "100%", "100%", "#f2f3f3", "none")
    picture = svg(0, 0, width, height, (f"<style>{STYLE}</style>", background, *parts))
    return picture.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1) + "\n"
