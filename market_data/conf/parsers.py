"""Parsers of setting values: text from the environment or a Python value from Django's settings.

Each raises `ValueError` with a sentence that says what is wrong and never repeats the value, which may hold a
password; the declaration quotes it where it is no secret, and adds what to write.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from market_data.ticker.pairs import normalise_asset, normalise_pair, normalise_pairs, quoted

Parser = Callable[[Any], Any]
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+", re.IGNORECASE)


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


@dataclass(frozen=True)
class Percentage:
    """Parses per cent as a plain decimal number above 0 and up to 100."""

    limits: ClassVar[str] = "above 0, up to 100"

    def __call__(self, value: Any) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", str(value).strip(), re.ASCII):
            raise ValueError("the value is not a plain number; write it with a point and without a sign or unit")
        number = float(str(value))
        if not 0 < number <= 100:
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


EXCHANGE_NAMES = ("binance", "kraken", "bitstamp")


def exchange_orders(value: Any) -> Mapping[str, tuple[str, ...]]:
    """Return exchanges in their order by pair, quote asset or `*`; a list stands for `*`."""
    given = _json(value) if isinstance(value, str) and value.strip().startswith(("{", "[")) else value
    orders = given if isinstance(given, Mapping) else {"*": given}
    parsed = {_pair_or_asset(str(key).strip()): _order(names) for key, names in orders.items()}
    if len(parsed) < len(orders):
        raise ValueError("two keys of the map are the same pair or quote asset")
    if "*" not in parsed:
        raise ValueError('the map does not say what counts for all other pairs; add the key "*"')
    return parsed


def _pair_or_asset(key: str) -> str:
    if key == "*":
        return key
    return normalise_pair(key) if "/" in key else normalise_asset(key)


def _order(value: Any) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip().lower() for name in text_list(value)))
    unknown = [name for name in names if name not in EXCHANGE_NAMES]
    if unknown:
        raise ValueError(f"{quoted(unknown[0])} is no exchange; there are {', '.join(EXCHANGE_NAMES)}")
    if not names:
        raise ValueError("a list of exchanges is empty")
    return names


@dataclass(frozen=True)
class ExchangeAddress:
    """Parses the address of one exchange: http(s), a host and perhaps the path of a proxy, without a slash at the end.

    `api_path` is what the app puts behind it; `domains` are the exchange's own, whose hosts serve it under no path.
    """

    api_path: str
    domains: tuple[str, ...]

    def __call__(self, value: Any) -> str:
        url = str(value).strip().rstrip("/")
        try:
            parts = urlsplit(url)
            host, is_port_right = parts.hostname or "", parts.port != 0
        except ValueError:
            parts, host, is_port_right = urlsplit(""), "", False
        is_host_right = _HOST.fullmatch(host) and is_port_right and not re.search(r"\s", url)
        if parts.scheme not in ("http", "https") or not is_host_right or parts.path.startswith("//"):
            raise ValueError("this is not an http:// or https:// address")
        if parts.query or parts.fragment:
            raise ValueError("the address has a query or fragment; it ends with its host, or with the path of a proxy")
        is_own = any(f".{host}".endswith(f".{domain}") for domain in self.domains)
        if parts.path.endswith(self.api_path) or (is_own and parts.path):
            raise ValueError(
                f"the address ends with its host, or with the path of a proxy; {self.api_path} is added to it"
            )
        return url

    def each(self, value: Any) -> tuple[str, ...]:
        """Parse a list of addresses, each once."""
        return tuple(dict.fromkeys(self(item) for item in text_list(value)))


def _json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"the value is not JSON ({error})") from None
    except RecursionError:
        raise ValueError("the value is nested too deeply") from None
