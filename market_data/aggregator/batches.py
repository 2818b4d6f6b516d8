"""Which symbols go into which request. Pure."""

import json
from collections.abc import Callable, Sequence
from urllib.parse import quote


def make_batches(symbols: Sequence[str], batch_size: int, is_suspect: Callable[[str], bool]) -> list[tuple[str, ...]]:
    """Return the symbols in batches, in their order; a suspect one alone, so that it costs no other its answer."""
    usual = [symbol for symbol in symbols if not is_suspect(symbol)]
    batches = [tuple(usual[start : start + batch_size]) for start in range(0, len(usual), batch_size)]
    return batches + [(symbol,) for symbol in symbols if is_suspect(symbol)]


def symbols_parameter(symbols: Sequence[str]) -> str:
    """Return the query parameter that names these symbols; the exchange wants a JSON array without any space."""
    names = json.dumps(list(symbols), ensure_ascii=False, separators=(",", ":"))
    return f"symbols={quote(names, safe='')}"


def halves(batch: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a batch of two or more symbols in two parts."""
    middle = len(batch) // 2
    return tuple(batch[:middle]), tuple(batch[middle:])
