"""What users say: `BTC/USDT`, base asset and quote asset around one slash."""

import re
import string
from collections.abc import Iterable

# The exchange's names: word characters, `-` and `.`, up to 50 (a symbol joins two assets), Unicode included.
_ASSET = r"[\w.\-]{1,49}"
_PAIR = re.compile(rf"{_ASSET}/{_ASSET}")
# Beyond ASCII upper case can be another name: ß turns into SS, ı into I.
_UPPER_CASE = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)

EXAMPLE = "BTC/USDT"


class InvalidPairError(ValueError):
    """The text is no pair; the message says why and what to write instead."""


def normalise_pair(text: str) -> str:
    """Return `text` trimmed and its ASCII letters in upper case, or raise `InvalidPairError`."""
    pair = text.strip().translate(_UPPER_CASE)
    if not pair:
        raise InvalidPairError(f"an empty name stands where a pair is expected; write pairs like {EXAMPLE}")
    if not _PAIR.fullmatch(pair):
        raise InvalidPairError(
            f"{quoted(text)} is not a pair; write base and quote asset with a slash between, like {EXAMPLE}"
        )
    return pair


def normalise_pairs(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the pairs in their given order, each once, or raise `InvalidPairError`."""
    return tuple(dict.fromkeys(normalise_pair(text) for text in texts))


def split_pair(pair: str) -> tuple[str, str]:
    """Return base and quote asset of a normalised pair."""
    base, _, quote = pair.partition("/")
    return base, quote


def normalise_asset(text: str) -> str:
    """Return the name of one asset as it stands in a normalised pair, or raise `ValueError`."""
    asset = text.strip().translate(_UPPER_CASE)
    if not re.fullmatch(_ASSET, asset):
        raise ValueError(f"{quoted(text)} is not the name of an asset; write names like {split_pair(EXAMPLE)[1]}")
    return asset


def quoted(given: object, limit: int = 60) -> str:
    """Return what somebody gave as Python writes it, cut where it is long, for the sentence that refuses it."""
    text = repr(given)
    return text if len(text) <= limit else text[:limit] + "…"
