"""Whether a body goes out compressed, and how. Pure."""

import gzip
import re
from functools import lru_cache

LEVEL = 1
"""Higher levels take several times as long for a tenth less."""
WORTHWHILE_BYTES = 400
"""A shorter body and its headers fit into one packet as they are, and hardly shrink."""
_LONGEST_ACCEPTANCE = 256
_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)")  # RFC 9110, 12.4.2


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether an `Accept-Encoding` names gzip with a weight above zero.

    One that is far too long does not, nor does a weight that is no number from 0 to 1.
    """
    return len(accept_encoding) <= _LONGEST_ACCEPTANCE and _names_gzip(accept_encoding)


@lru_cache(maxsize=64)
def _names_gzip(accept_encoding: str) -> bool:
    for coding in accept_encoding.lower().split(","):
        name, has_weight, text = coding.partition(";")
        if name.strip() == "gzip":
            weight = _WEIGHT.fullmatch(text.strip())
            return not has_weight or (weight is not None and 0 < float(weight[1]) <= 1)
    return False


def compressed(body: bytes) -> bytes:
    """Return the same bytes for the same body in every process."""
    return gzip.compress(body, LEVEL, mtime=0)
