"""What a price is: a record of a pair's rolling 24 h statistics, its age, fresh or stale. Pure."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

MAX_RECORD_BYTES = 1024
"""More than any record needs; what is longer is none, and is not looked at."""

_RECORD = re.compile(
    rb'W\{W"pair"W:W"(?P<pair>[^"\\]+)"W,W"price"W:WNW,W"volume"W:WNW,W"timestamp"W:W(?P<timestamp>0|[1-9][0-9]{0,14})W'
    rb',W"change24h"W:WNW,W"high24h"W:WNW,W"low24h"W:WNW\}W'.replace(b"W", rb"[ \t\r\n]*").replace(
        b"N",
        rb"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?",  # as `exact_decimal` has it
    )
)
_FIELDS = ("pair", "price", "volume", "timestamp", "change24h", "high24h", "low24h")


class Freshness(StrEnum):
    """Where a price stands in its life."""

    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"


def freshness(age_ms: int, stale_ttl_ms: int, cache_ttl_ms: int) -> Freshness:
    """Return the state of a price of this age: fresh up to the stale TTL, stale up to the cache TTL."""
    if age_ms <= stale_ttl_ms:
        return Freshness.FRESH
    return Freshness.STALE if age_ms <= cache_ttl_ms else Freshness.EXPIRED


@dataclass(frozen=True, slots=True)
class TickerRecord:
    """A pair's price with its 24 h statistics, in the exchange's own digits.

    `volume` is in the base asset, prices in the quote asset, `received_at_ms` is the Unix time at which the
    exchange's answer was complete.
    """

    pair: str
    price: Decimal
    volume: Decimal
    received_at_ms: int
    change_24h_percent: Decimal
    high_24h: Decimal
    low_24h: Decimal

    def encode(self) -> bytes:
        """Return the record as JSON text, every digit kept and none in exponent form."""
        return (
            f'{{"pair":{json.dumps(self.pair, ensure_ascii=False)},"price":{self.price:f},"volume":{self.volume:f},'
            f'"timestamp":{self.received_at_ms},"change24h":{self.change_24h_percent:f},'
            f'"high24h":{self.high_24h:f},"low24h":{self.low_24h:f}}}'
        ).encode()

    def age_ms(self, now_ms: int) -> int:
        """Return how far now and received at lie apart: what seems to come from the future is no fresher for it."""
        return abs(now_ms - self.received_at_ms)


@dataclass(frozen=True, slots=True)
class StoredTicker:
    """A record as it lies in the cache: JSON text that is served as it is."""

    pair: str
    raw: bytes
    received_at_ms: int

    @classmethod
    def from_raw(cls, pair: str, raw: bytes | None) -> "StoredTicker | None":
        """Return the stored record of `pair`, or None where the bytes are no record of that pair."""
        if raw is None or len(raw) > MAX_RECORD_BYTES:
            return None
        match = _RECORD.fullmatch(raw)
        if match and match["pair"] == pair.encode():
            return cls(pair, raw, int(match["timestamp"]))
        return cls._from_unusual_json(pair, raw)

    @classmethod
    def _from_unusual_json(cls, pair: str, raw: bytes) -> "StoredTicker | None":
        """Accept the record's fields in another order or with escapes, as a person may have written them."""
        try:
            values = json.loads(raw.decode(), parse_float=_number, parse_int=_number, parse_constant=_number)
        except (ValueError, RecursionError):
            return None
        if not isinstance(values, dict) or set(values) != set(_FIELDS) or values["pair"] != pair:
            return None
        received_at_ms = values["timestamp"]
        if (
            not all(isinstance(values[name], Decimal) for name in _FIELDS[1:])
            or received_at_ms % 1
            or received_at_ms < 0
        ):
            return None
        return cls(pair, raw, int(received_at_ms))

    @property
    def raw_marked_stale(self) -> bytes:
        """The record with `"stale": true` as its last field."""
        return self.raw.rstrip()[:-1].rstrip() + b',"stale":true}'

    def age_ms(self, now_ms: int) -> int:
        """Return how far now and received at lie apart: what seems to come from the future is no fresher for it."""
        return abs(now_ms - self.received_at_ms)

    def decode(self) -> TickerRecord:
        """Return the record with its numbers as Decimal."""
        values = json.loads(self.raw, parse_float=Decimal, parse_int=Decimal)
        return TickerRecord(
            pair=self.pair,
            price=values["price"],
            volume=values["volume"],
            received_at_ms=self.received_at_ms,
            change_24h_percent=values["change24h"],
            high_24h=values["high24h"],
            low_24h=values["low24h"],
        )


def exact_decimal(text: str) -> Decimal | None:
    """Return a plain decimal number of at most 20 + 20 digits, or None: no exponent, no NaN, no infinity."""
    if not _PLAIN_DECIMAL.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)


def _number(text: str) -> Decimal:
    number = exact_decimal(text)
    if number is None:
        raise ValueError(f"{text[:40]} is no plain decimal number")
    return number
