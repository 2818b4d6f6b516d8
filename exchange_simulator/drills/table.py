"""The drills' results as a table of at most 80 columns."""

import re
import textwrap
from collections.abc import Sequence

from exchange_simulator.drills.drill import Drill, Result

WIDTHS = (14, 24, 23, 5, 6)
HEAD = ("drill", "expected", "seen", "s", "result")
LIST_WIDTHS = (14, 26, 36)
LIST_HEAD = ("drill", "fault", "expected")
_GAP = "  "


def table_head() -> str:
    """Return the head of the results' table with its rule."""
    return _row(HEAD, WIDTHS) + "\n" + _rule(WIDTHS)


def table_row(result: Result) -> str:
    """Return the lines of one result."""
    cells = (
        result.drill.name,
        result.drill.expected,
        result.seen,
        f"{result.seconds:.1f}".rjust(WIDTHS[3]),
        "ok" if result.has_held else "FAILED",
    )
    return _row(cells, WIDTHS)


def drill_list(drills: Sequence[Drill]) -> str:
    """Return a table of drills to choose from."""
    rows = (_row((drill.name, drill.fault, drill.expected), LIST_WIDTHS) for drill in drills)
    return "\n".join((_row(LIST_HEAD, LIST_WIDTHS), _rule(LIST_WIDTHS), *rows))


def _rule(widths: Sequence[int]) -> str:
    return _GAP.join("-" * width for width in widths)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    columns = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    height = max(map(len, columns))
    lines = zip(*(column + [""] * (height - len(column)) for column in columns), strict=True)
    return "\n".join(_GAP.join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
                     for line in lines)  # fmt: skip


def _wrapped(text: str, width: int) -> list[str]:
    if text.startswith(" "):
        return [text]
    together = re.sub(r"(\d) (s|min)\b", r"\1\0\2", " ".join(text.split()))  # a figure and its unit
    return [line.replace("\0", " ") for line in textwrap.wrap(together, width)] or [""]
