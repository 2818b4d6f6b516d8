"""Parsers of setting values: text from the environment or a Python value from Django's settings.

Each raises `ValueError` with a sentence that says what is wrong and never repeats the value, which may hold a
password; the declaration quotes it where it is no secret, and adds what to write.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from market_data.ticker.pairs import normalise_asset, normalise_pairs

Parser = Callable[[Any], Any]


@dataclass(frozen=True)
class WholeNumber:
    """Parses whole numbers between `minimum` and `maximum`, both included."""

    minimum: int
    maximum: int

    @property
    def limits(self) -> str:
        return f"{self.minimum} to {self.maximum}"

    def __call__(self, value: Any) -> int:
        try:
            number = int(str(value).strip())
        except ValueError:
            raise ValueError("the value is not a whole number") from None
        if not self.minimum <= number <= self.maximum:
            raise ValueError(f"the value is not in the range of {self.limits}")
        return number


def text(value: Any) -> str:
    """Return the value as trimmed, non-empty text."""
    result = str(value).strip()
    if not result:
        raise ValueError("the value is empty")
    return result


def folder(value: Any) -> str:
    """Return the absolute path of a folder, or nothing where none is named."""
    path = str(value).strip()
    if path and not path.startswith("/"):
        raise ValueError("the value is not the path of a folder, which begins with /")
    return path


def text_list(value: Any) -> tuple[str, ...]:
    """Return a list given as JSON, comma-separated text or a Python sequence."""
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped.startswith("["):
            return tuple(item.strip() for item in stripped.split(",")) if stripped else ()
        value = _json(stripped)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError("the value is not a list of texts")
    return tuple(value)


def pairs(value: Any) -> tuple[str, ...]:
    """Return a list of pairs, normalised, each once."""
    return normalise_pairs(text_list(value))


def quote_aliases(value: Any) -> Mapping[str, str]:
    """Return a mapping from a quote asset to the one that prices it, both in upper case."""
    aliases = _json(value) if isinstance(value, str) else value
    if not isinstance(aliases, Mapping) or not all(
        isinstance(asset, str) for item in aliases.items() for asset in item
    ):
        raise ValueError("the value is not a mapping from quote asset to quote asset")
    return {normalise_asset(quote): normalise_asset(alias) for quote, alias in aliases.items()}


def http_url(value: Any) -> str:
    """Return an absolute http(s) URL without a trailing slash."""
    url = str(value).strip().rstrip("/")
    try:
        parts = urlsplit(url)
        has_valid_port = parts.port is None or parts.port > 0
    except ValueError:
        parts, has_valid_port = urlsplit(""), False
    has_blanks = any(character.isspace() for character in url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not has_valid_port or has_blanks:
        raise ValueError("this is not an http:// or https:// address")
    if parts.query or parts.fragment:
        raise ValueError("the address has a query or fragment; a base address ends with its host or path")
    return url


def http_urls(value: Any) -> tuple[str, ...]:
    """Return a list of absolute http(s) URLs, each once."""
    return tuple(dict.fromkeys(http_url(item) for item in text_list(value)))


def _json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"the value is not JSON ({error})") from None
    except RecursionError:
        raise ValueError("the value is nested too deeply") from None
