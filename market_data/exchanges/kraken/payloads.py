"""Kraken's JSON as typed records. Pure; field names and forms are those of its REST documentation."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

import msgspec

from market_data.exchanges.errors import MalformedAnswerError
from market_data.exchanges.kraken.names import assets_of
from market_data.exchanges.protocol import Candle, RowState
from market_data.exchanges.response import HttpResponse
from market_data.exchanges.symbols import ListedSymbol
from market_data.ticker.record import exact_decimal

_LAST_24_HOURS = 1
"""Index into pairs of figures; index 0 is today since midnight UTC."""


class _Figures(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"last": "c", "volume": "v", "high": "h", "low": "l", "ask": "a", "bid": "b"},
):
    last: list[str]
    volume: list[str]
    high: list[str]
    low: list[str]
    ask: list[str] = []
    bid: list[str] = []


class KrakenRow(msgspec.Struct, frozen=True, gc=False):
    """One market. It tells neither a time nor the change in 24 h: its `o` is today's opening."""

    symbol: str
    price: str
    volume: str
    high_24h: str
    low_24h: str
    state: RowState
    change_24h_percent: None = None
    open_24h: None = None
    exchange_time_ms: None = None
    made_at_ms: None = None


class _Envelope(msgspec.Struct):
    error: list[str] = []
    result: msgspec.Raw = msgspec.Raw(b"null")


class _Pair(msgspec.Struct):
    wsname: str
    aclass_base: str = "currency"
    aclass_quote: str = "currency"
    status: str = "online"


_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_envelope = msgspec.json.Decoder(_Envelope)
_raw_results = msgspec.json.Decoder(dict[str, msgspec.Raw])
_figures = msgspec.json.Decoder(_Figures)
_pair = msgspec.json.Decoder(_Pair)
_candles = msgspec.json.Decoder(list[list[Any]])


def errors_and_rows(body: bytes) -> tuple[list[str], bool]:
    """Return the errors that a body tells of, and whether there are results beside them."""
    try:
        envelope = _envelope.decode(body)
    except _UNDECODABLE:
        return [], False
    return envelope.error, bytes(envelope.result).strip() not in (b"null", b"{}")


def decode_tickers(response: HttpResponse, wanted: Container[str]) -> Mapping[str, KrakenRow | None]:
    """Return the wanted rows by symbol, None for one that is not as documented; raise `MalformedAnswerError`."""
    return {symbol: _row(symbol, raw) for symbol, raw in _results(response, "tickers").items() if symbol in wanted}


def decode_pairs(response: HttpResponse) -> list[ListedSymbol]:
    """Return the spot markets; raise `MalformedAnswerError` where there is none. Tokenised stocks are left out."""
    listed = list(_spot_markets(_results(response, "asset pairs")))
    if not listed:
        raise MalformedAnswerError(f"{response.host}: the list of asset pairs is empty")
    return listed


def decode_candles(response: HttpResponse) -> list[Candle]:
    """Return the candles by their opening, oldest first, the one that is still open left out."""
    results = _results(response, "candles")
    for name, raw in results.items():
        if name != "last":
            try:
                rows = _candles.decode(raw)
                return [Candle(int(row[0]) * 1000, str(row[4])) for row in rows[:-1]]
            except (*_UNDECODABLE, IndexError, ValueError, TypeError):
                break
    raise MalformedAnswerError(f"{response.host}: the answer has no candles")


def _results(response: HttpResponse, what: str) -> dict[str, msgspec.Raw]:
    try:
        return _raw_results.decode(_envelope.decode(response.body).result)
    except _UNDECODABLE:
        raise MalformedAnswerError(f"{response.host}: the answer has no {what}") from None


def _row(symbol: str, raw: msgspec.Raw) -> KrakenRow | None:
    try:
        figures = _figures.decode(raw)
        at = _LAST_24_HOURS
        price, volume = figures.last[0], figures.volume[at]
        high, low = figures.high[at], figures.low[at]
    except (*_UNDECODABLE, IndexError):
        return None
    return KrakenRow(symbol, price, volume, high, low, _state(price, figures))


def _state(price: str, figures: _Figures) -> RowState:
    """A dead market's row is all zeros; one without bid or ask may have stopped."""
    if _is_zero(price):
        return RowState.DEAD
    has_book = all(side and not _is_zero(side[0]) for side in (figures.ask, figures.bid))
    return RowState.LIVE if has_book else RowState.DOUBTFUL


def _is_zero(text: str) -> bool:
    return exact_decimal(text) == 0


def _spot_markets(results: Mapping[str, msgspec.Raw]) -> Iterator[ListedSymbol]:
    for raw in results.values():
        try:
            pair = _pair.decode(raw)
        except _UNDECODABLE:
            continue
        assets = assets_of(pair.wsname)
        if assets and pair.aclass_base == pair.aclass_quote == "currency":
            yield ListedSymbol("/".join(assets), *assets, is_trading=pair.status == "online")
