"""Bitstamp's JSON as typed records. Pure; field names and forms are those of recorded answers of API v2."""

from collections.abc import Container, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from market_data.exchanges.errors import MalformedAnswerError
from market_data.exchanges.protocol import RowState
from market_data.exchanges.response import HttpResponse
from market_data.exchanges.symbols import ListedSymbol
from market_data.ticker.record import exact_decimal

_SPOT = "SPOT"
_OPEN = "Enabled"
Row = TypeVar("Row")


class BitstampRow(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"symbol": "pair", "price": "last", "high_24h": "high", "low_24h": "low", "open_24h": "open_24"},
):
    """One market. `open_24` is the price of 24 h ago; the change beside it has two decimals and may be empty."""

    symbol: str
    price: str
    volume: str
    high_24h: str
    low_24h: str
    open_24h: str
    timestamp: str | int | None = None
    market_type: str = _SPOT

    @property
    def change_24h_percent(self) -> None:
        return None

    @property
    def exchange_time_ms(self) -> None:
        return None

    @property
    def made_at_ms(self) -> int | None:
        """When Bitstamp wrote the row: it makes a new file about every two seconds."""
        text = str(self.timestamp)
        return int(text) * 1000 if text.isascii() and text.isdigit() and len(text) <= 11 else None

    @property
    def state(self) -> RowState:
        """A dead market keeps its last price; all else of the last 24 h is zero."""
        is_dead = all(exact_decimal(text) == 0 for text in (self.volume, self.high_24h, self.open_24h))
        return RowState.DEAD if is_dead else RowState.LIVE


class _RowName(msgspec.Struct):
    pair: str
    market_type: str = _SPOT


class _Market(msgspec.Struct):
    """A row of `trading-pairs-info` or of `markets`, its successor."""

    name: str
    trading: str
    base_currency: str | None = None
    counter_currency: str | None = None
    market_type: str = _SPOT


class _Refusal(msgspec.Struct):
    response_code: str | None = None
    code: str | None = None
    reason: Any = None


_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_raw_rows = msgspec.json.Decoder(list[msgspec.Raw])
_rows = msgspec.json.Decoder(list[BitstampRow])
_row = msgspec.json.Decoder(BitstampRow)
_row_name = msgspec.json.Decoder(_RowName)
_market = msgspec.json.Decoder(_Market)
_refusal = msgspec.json.Decoder(_Refusal)


def decode_tickers(response: HttpResponse, wanted: Container[str]) -> Mapping[str, BitstampRow | None]:
    """Return the wanted spot rows by symbol, None for one that is not as documented; raise `MalformedAnswerError`."""
    try:
        rows = _rows.decode(response.body)
    except _UNDECODABLE:
        return _rows_one_by_one(response, wanted)
    return {row.symbol: row for row in rows if row.symbol in wanted and row.market_type == _SPOT}


def _rows_one_by_one(response: HttpResponse, wanted: Container[str]) -> dict[str, BitstampRow | None]:
    found: dict[str, BitstampRow | None] = {}
    for raw in _raw(response, "tickers"):
        name = _read(raw, _row_name)
        if name is not None and name.pair in wanted and name.market_type == _SPOT:
            found[name.pair] = _read(raw, _row)
    return found


def decode_markets(response: HttpResponse) -> list[ListedSymbol]:
    """Return the spot markets; raise `MalformedAnswerError` where there is none."""
    markets = list(_spot_markets(_raw(response, "markets")))
    if not markets:
        raise MalformedAnswerError(f"{response.host}: the list of markets is empty")
    return markets


def refusal_code(body: bytes) -> str | None:
    """Return the code by which Bitstamp refuses a request, None where the body is no refusal."""
    refusal = _read(msgspec.Raw(body), _refusal) if body[:1] == b"{" else None
    return (refusal.response_code or refusal.code) if refusal else None


def _spot_markets(raws: list[msgspec.Raw]) -> Iterator[ListedSymbol]:
    for raw in raws:
        market = _read(raw, _market)
        if market is None or market.market_type != _SPOT:
            continue
        base, _, quote = market.name.partition("/")
        base, quote = market.base_currency or base, market.counter_currency or quote
        if base and quote:
            yield ListedSymbol(market.name, base, quote, is_trading=market.trading == _OPEN)


def _raw(response: HttpResponse, what: str) -> list[msgspec.Raw]:
    try:
        return _raw_rows.decode(response.body)
    except _UNDECODABLE:
        raise MalformedAnswerError(f"{response.host}: the answer is not a list of {what}") from None


def _read(raw: msgspec.Raw, decoder: msgspec.json.Decoder[Row]) -> Row | None:
    try:
        return decoder.decode(raw)
    except _UNDECODABLE:
        return None
