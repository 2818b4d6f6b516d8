"""Text in columns of a terminal: measured as it is shown, cut where it is too wide. Pure."""

import unicodedata
from collections.abc import Sequence
from itertools import accumulate

ELLIPSIS = "…"


def shown(text: str) -> str:
    """Return text in one line in which nothing steers a terminal, whoever wrote it into Redis."""
    return "".join(character if character.isprintable() else " " for character in text)


def width(text: str) -> int:
    """Return how many columns a terminal needs for the text."""
    return sum(map(_width_of, text))


def cut(text: str, columns: int) -> str:
    """Return the text, shortened in its middle where it needs more columns than these."""
    if width(text) <= columns:
        return text
    tail_columns = (columns - 1) // 2
    tail = _start(text[::-1], tail_columns)[::-1]
    return _start(text, columns - 1 - tail_columns) + ELLIPSIS + tail


def cell(text: str, columns: int, *, is_number: bool = False) -> str:
    """Return the text cut and padded to this many columns, numbers at the right."""
    fitting = cut(text, columns)
    padding = " " * (columns - width(fitting))
    return padding + fitting if is_number else fitting + padding


def wrapped(words: Sequence[str], columns: int) -> list[str]:
    """Return the words in as few lines of this many columns as they need; one that is too wide is cut."""
    lines: list[str] = []
    for word in (cut(word, columns) for word in words):
        if lines and width(lines[-1]) + 1 + width(word) <= columns:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def screenful(lines: list[str], columns: int, rows: int) -> list[str]:
    """Return as many lines as a terminal of this size shows at once, where too wide ones take several rows."""
    more = "and {} more lines: a larger terminal shows them, and market_status alone"
    ends_at = list(accumulate(_rows_of(line, columns) for line in lines))
    if not lines or ends_at[-1] < rows:
        return lines
    kept = sum(end < rows - _rows_of(more, columns) for end in ends_at)
    return [*lines[:kept], more.format(len(lines) - kept)]


def _rows_of(line: str, columns: int) -> int:
    return max(1, -(-width(line) // columns))


def _start(text: str, columns: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _width_of(character)
        if used > columns:
            return text[:index]
    return text


def _width_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
