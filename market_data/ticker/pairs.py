"""What users say: `BTC/USDT`, base asset and quote asset around one slash."""

import re
from collections.abc import Iterable

# The exchange's names: word characters, `-` and `.`, up to 50 (a symbol joins two assets), Unicode included.
_ASSET = r"[\w.\-]{1,49}"
_PAIR = re.compile(rf"{_ASSET}/{_ASSET}")

EXAMPLE = "BTC/USDT"


class InvalidPairError(ValueError):
    """The text is no pair; the message says why and what to write instead."""


def normalise_pair(text: str) -> str:
    """Return `text` trimmed and in upper case, or raise `InvalidPairError`."""
    pair = text.strip().upper()
    if not pair:
        raise InvalidPairError(f"an empty name stands where a pair is expected; write pairs like {EXAMPLE}")
    if not _PAIR.fullmatch(pair):
        raise InvalidPairError(
            f"{_shortened(text)} is not a pair; write base and quote asset with a slash between, like {EXAMPLE}"
        )
    return pair


def normalise_pairs(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the pairs in their given order, each once, or raise `InvalidPairError`."""
    return tuple(dict.fromkeys(normalise_pair(text) for text in texts))


def split_pair(pair: str) -> tuple[str, str]:
    """Return base and quote asset of a normalised pair."""
    base, _, quote = pair.partition("/")
    return base, quote


def _shortened(text: str, limit: int = 60) -> str:
    return repr(text if len(text) <= limit else text[:limit] + "…")
