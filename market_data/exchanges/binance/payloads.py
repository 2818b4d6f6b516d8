"""Binance's JSON as typed records. Pure; field names and forms are those of its REST documentation."""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from market_data.exchanges.errors import MalformedAnswerError
from market_data.exchanges.protocol import RowState, SymbolListing
from market_data.exchanges.response import HttpResponse
from market_data.exchanges.symbols import ListedSymbol
from market_data.ticker.record import exact_decimal

_TRADING = "TRADING"
_NEVER_TRADED = -1
Row = TypeVar("Row")


class BinanceRow(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "price": "lastPrice",
        "change_24h_percent": "priceChangePercent",
        "high_24h": "highPrice",
        "low_24h": "lowPrice",
        "exchange_time_ms": "closeTime",
        "bid_price": "bidPrice",
        "ask_price": "askPrice",
        "first_id": "firstId",
    },
):
    """One row of `ticker/24hr`, type FULL, as far as it is used."""

    symbol: str
    price: str
    change_24h_percent: str
    high_24h: str
    low_24h: str
    volume: str
    exchange_time_ms: int | None = None
    bid_price: str | None = None
    ask_price: str | None = None
    first_id: int | None = None

    @property
    def open_24h(self) -> None:
        return None

    @property
    def made_at_ms(self) -> None:
        return None

    @property
    def state(self) -> RowState:
        """A delisted symbol's row freezes with nobody bidding or asking; later it turns to zeros and `firstId` -1."""
        if self.first_id == _NEVER_TRADED:
            return RowState.DEAD
        return RowState.DOUBTFUL if _is_zero(self.bid_price) and _is_zero(self.ask_price) else RowState.LIVE


class _RowName(msgspec.Struct):
    symbol: str


class _ListedSymbol(msgspec.Struct, frozen=True, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str


class _RateLimit(msgspec.Struct, rename="camel"):
    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int


class _ExchangeInfo(msgspec.Struct, rename="camel"):
    symbols: list[msgspec.Raw]
    rate_limits: list[msgspec.Raw] = []


class _Error(msgspec.Struct):
    code: int
    msg: str = ""


# JSON of another shape, bytes that are no UTF-8, arrays nested without end.
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_rows = msgspec.json.Decoder(list[BinanceRow])
_raw_rows = msgspec.json.Decoder(list[msgspec.Raw])
_row = msgspec.json.Decoder(BinanceRow)
_row_name = msgspec.json.Decoder(_RowName)
_listed_symbol = msgspec.json.Decoder(_ListedSymbol)
_rate_limit = msgspec.json.Decoder(_RateLimit)
_exchange_info = msgspec.json.Decoder(_ExchangeInfo)
_error = msgspec.json.Decoder(_Error)


def decode_tickers(response: HttpResponse, wanted: Container[str]) -> Mapping[str, BinanceRow | None]:
    """Return the wanted rows by symbol, None for one that is not as documented; raise `MalformedAnswerError`."""
    try:
        rows: Iterable[tuple[str, BinanceRow | None]] = [(row.symbol, row) for row in _rows.decode(response.body)]
    except _UNDECODABLE:
        rows = _rows_one_by_one(response)
    return {name: row for name, row in rows if name in wanted}


def _rows_one_by_one(response: HttpResponse) -> Iterable[tuple[str, BinanceRow | None]]:
    try:
        raw_rows = _raw_rows.decode(response.body)
    except _UNDECODABLE:
        raise MalformedAnswerError(f"{response.host}: the answer is not a list of tickers") from None
    rows: dict[str, BinanceRow | None] = {}
    for raw in raw_rows:
        for name in _readable([raw], _row_name):
            rows[name.symbol] = next(_readable([raw], _row), rows.get(name.symbol))
    return rows.items()


def decode_exchange_info(response: HttpResponse) -> SymbolListing:
    """Return the symbols that can be read; raise `MalformedAnswerError` where there is none."""
    try:
        info = _exchange_info.decode(response.body)
    except _UNDECODABLE:
        raise MalformedAnswerError(f"{response.host}: the answer is not a list of symbols") from None
    symbols = [
        ListedSymbol(listed.symbol, listed.base_asset, listed.quote_asset, listed.status == _TRADING)
        for listed in _readable(info.symbols, _listed_symbol)
    ]
    if not symbols:
        raise MalformedAnswerError(f"{response.host}: the list of symbols is empty")
    limits = [
        limit.limit
        for limit in _readable(info.rate_limits, _rate_limit)
        if (limit.rate_limit_type, limit.interval, limit.interval_num) == ("REQUEST_WEIGHT", "MINUTE", 1)
    ]
    return SymbolListing(symbols, limits[0] if limits and limits[0] > 0 else None)


def decode_error(body: bytes) -> tuple[int | None, str]:
    """Return code and message of an error body; None and no message where it is not the exchange's JSON."""
    try:
        error = _error.decode(body)
    except _UNDECODABLE:
        return None, ""
    return error.code, error.msg


def _readable(raws: Iterable[msgspec.Raw], decoder: msgspec.json.Decoder[Row]) -> Iterator[Row]:
    """Yield the rows of the expected form: an odd one costs no other."""
    for raw in raws:
        try:
            yield decoder.decode(raw)
        except _UNDECODABLE:
            continue


def _is_zero(text: str | None) -> bool:
    return text is not None and exact_decimal(text) == 0
