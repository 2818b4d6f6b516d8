"""What a price is: a record of a pair's rolling 24 h statistics, as JSON text and as Python values. Pure."""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, get_type_hints

MAX_RECORD_BYTES = 1024
"""More than any record needs; longer values are not looked at."""
STALE_MARK = "stale"
"""Added for a reader who accepts old prices. A stored record never has it."""

_BLANKS = r"[ \t\r\n]*"
_AMOUNT = r"(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?"


@dataclass(frozen=True)
class Kind:
    """How the values of a field are read and written.

    `usual` matches the JSON text that `written` formats; the group named `%s` is what `read` takes. `is_right` judges
    a value out of any other JSON text.
    """

    usual: str
    written: str
    read: Callable[[Any], Any]
    is_right: Callable[[Any], bool]
    schema: Mapping[str, Any]


TEXT = Kind(
    r'"(?P<%s>[^"\\\x00-\x1f]+)"', '"{}"', str, lambda value: isinstance(value, str) and value != "", {"type": "string"}
)
NUMBER = Kind(rf"(?P<%s>-?{_AMOUNT})", "{:f}", Decimal, lambda value: isinstance(value, Decimal), {"type": "number"})
POSITIVE = Kind(
    rf"(?P<%s>(?=[0.]*[1-9]){_AMOUNT})",
    "{:f}",
    Decimal,
    lambda value: isinstance(value, Decimal) and value > 0,
    {"type": "number", "exclusiveMinimum": 0},
)
UNIX_MS = Kind(
    r"(?P<%s>0|[1-9][0-9]{0,14})",
    "{}",
    int,
    lambda value: isinstance(value, Decimal) and 0 <= value < 10**15 and not value % 1,
    {"type": "integer", "minimum": 0},
)


@dataclass(frozen=True)
class Field:
    """A field's name in JSON, what values it has, and what it says."""

    name: str
    kind: Kind
    description: str

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of its values."""
        return {**self.kind.schema, "description": self.description}


@dataclass(frozen=True, slots=True)
class TickerRecord:
    """A pair's price with its 24 h statistics, all from one exchange and in its own digits.

    These lines are the only table of a record's fields. A later field has None as its default, because other versions
    of the service write records without it.
    """

    pair: Annotated[str, Field("pair", TEXT, "base asset / quote asset, like BTC/USDT")]
    price: Annotated[Decimal, Field("price", POSITIVE, "last price, in the quote asset; the exchange's own digits")]
    volume: Annotated[Decimal, Field("volume", NUMBER, "24 h volume, in the base asset")]
    received_at_ms: Annotated[int, Field("timestamp", UNIX_MS, "when the exchange's answer was received, Unix ms")]
    change_24h_percent: Annotated[Decimal, Field("change24h", NUMBER, "change over 24 h, per cent")]
    high_24h: Annotated[Decimal, Field("high24h", NUMBER, "highest price of the last 24 h, in the quote asset")]
    low_24h: Annotated[Decimal, Field("low24h", NUMBER, "lowest price of the last 24 h, in the quote asset")]
    exchange: Annotated[str | None, Field("exchange", TEXT, "who gave the price, like kraken")] = None

    def encode(self) -> bytes:
        """Return the record as JSON text, every digit kept and none in exponent form."""
        texts = [write(value) for attribute, write in _WRITERS if (value := getattr(self, attribute)) is not None]
        return f"{{{','.join(texts)}}}".encode()


FIELDS: Mapping[str, Field] = {
    attribute: hint.__metadata__[0] for attribute, hint in get_type_hints(TickerRecord, include_extras=True).items()
}
"""By attribute, in the order in which they are written."""
REQUIRED = frozenset(of.name for of in dataclasses.fields(TickerRecord) if of.default is dataclasses.MISSING)
"""The attributes that every record has, whichever version wrote it."""


def _usual_form() -> str:
    """Return what matches a record as `encode` writes it, with blanks anywhere between."""
    pattern = ""
    for attribute, field in FIELDS.items():
        parts = [f'"{field.name}"', ":", field.kind.usual % attribute]
        text = _BLANKS + _BLANKS.join([",", *parts] if pattern else parts)
        pattern += text if attribute in REQUIRED else f"(?:{text})?"
    return rf"{_BLANKS}\{{{pattern}{_BLANKS}\}}{_BLANKS}"


_WRITERS = [(attribute, f'"{field.name}":{field.kind.written}'.format) for attribute, field in FIELDS.items()]
_USUAL = re.compile(_usual_form())


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
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return None
        match = _USUAL.fullmatch(text)
        if match is None:
            return cls._from_unusual_json(pair, raw, text)
        return cls(pair, raw, int(match["received_at_ms"])) if match["pair"] == pair else None

    @classmethod
    def _from_unusual_json(cls, pair: str, raw: bytes, text: str) -> "StoredTicker | None":
        """Accept any order and spelling, as people write them, and fields that a newer version writes."""
        try:
            values = _loaded(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(values, dict) or values.get("pair") != pair or STALE_MARK in values:
            return None
        for attribute, field in FIELDS.items():
            is_right = field.kind.is_right(values[field.name]) if field.name in values else attribute not in REQUIRED
            if not is_right:
                return None
        return cls(pair, raw, int(values["timestamp"]))

    @property
    def raw_marked_stale(self) -> bytes:
        """The record with `"stale": true` as its last field."""
        return self.raw.rstrip()[:-1].rstrip() + b',"%s":true}' % STALE_MARK.encode()

    def decode(self) -> TickerRecord:
        """Return the record with its numbers as Decimal."""
        text = self.raw.decode()
        if match := _USUAL.fullmatch(text):
            values: Mapping[str, Any] = match.groupdict()
        else:
            loaded = _loaded(text)
            values = {attribute: loaded.get(field.name) for attribute, field in FIELDS.items()}
        there = {attribute: value for attribute, value in values.items() if value is not None}
        return TickerRecord(**{attribute: FIELDS[attribute].kind.read(value) for attribute, value in there.items()})


def exact_decimal(text: str) -> Decimal | None:
    """Return a plain decimal number of at most 20 + 20 digits, or None: no exponent, no NaN, no infinity."""
    return Decimal(text) if _PLAIN_DECIMAL.fullmatch(text) else None


_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)


def _loaded(text: str) -> Any:
    """Return JSON with its plain numbers as Decimal and other numbers as None; raise `ValueError`."""
    return json.loads(
        text,
        parse_float=exact_decimal,
        parse_int=exact_decimal,
        parse_constant=_refused,
        object_pairs_hook=_with_each_name_once,
    )


def _with_each_name_once(items: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(items)
    if len(values) != len(items):
        raise ValueError("a name stands twice, so readers would disagree about its value")
    return values


def _refused(text: str) -> None:
    raise ValueError(f"{text} is not JSON, though Python reads and writes it")
