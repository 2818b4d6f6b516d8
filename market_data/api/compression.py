"""Whether an answer goes out compressed, and how. Pure."""

import gzip
from functools import lru_cache

LEVEL = 1
"""Higher levels take several times as long for a tenth less."""
WORTHWHILE_BYTES = 400
"""A shorter answer and its headers fit into one packet as they are, and hardly shrink."""
_LONGEST_ACCEPTANCE = 256


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether an `Accept-Encoding` names gzip with a weight above zero; one that is far too long does not."""
    return len(accept_encoding) <= _LONGEST_ACCEPTANCE and _names_gzip(accept_encoding)


@lru_cache(maxsize=64)
def _names_gzip(accept_encoding: str) -> bool:
    for coding in accept_encoding.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "gzip":
            return weight.strip().removeprefix("q=").strip("0. ") != "" or not weight.strip()
    return False


def compressed(body: bytes) -> bytes:
    """Return the same bytes for the same body in every process."""
    return gzip.compress(body, LEVEL, mtime=0)
