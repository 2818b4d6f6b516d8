"""The exchange's JSON as typed records. Pure; field names and forms are those of Binance's REST documentation."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from market_data.exchanges.errors import MalformedAnswerError

TRADING = "TRADING"
Row = TypeVar("Row")


class TickerRow(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One row of `ticker/24hr`, type FULL, as far as it is used; numbers are still the exchange's text."""

    symbol: str
    last_price: str
    price_change_percent: str
    high_price: str
    low_price: str
    volume: str
    close_time: int | None = None
    bid_price: str | None = None
    ask_price: str | None = None
    first_id: int | None = None


class _RowName(msgspec.Struct):
    symbol: str


class ListedSymbol(msgspec.Struct, frozen=True, rename="camel"):
    """One symbol of `exchangeInfo`."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str

    @property
    def is_trading(self) -> bool:
        return self.status == TRADING


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


@dataclass(frozen=True, slots=True)
class ExchangeInfo:
    """The exchange's list of symbols and its request weight limit per minute, None where it names none."""

    symbols: tuple[ListedSymbol, ...]
    weight_limit: int | None


# JSON of another shape, bytes that are no UTF-8, arrays nested without end.
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_rows = msgspec.json.Decoder(list[TickerRow])
_raw_rows = msgspec.json.Decoder(list[msgspec.Raw])
_row = msgspec.json.Decoder(TickerRow)
_row_name = msgspec.json.Decoder(_RowName)
_listed_symbol = msgspec.json.Decoder(ListedSymbol)
_rate_limit = msgspec.json.Decoder(_RateLimit)
_exchange_info = msgspec.json.Decoder(_ExchangeInfo)
_error = msgspec.json.Decoder(_Error)


def decode_tickers(body: bytes, wanted: Container[str] | None = None) -> Mapping[str, TickerRow | None]:
    """Return the rows by symbol, None for a row whose fields are not as documented; raise `MalformedAnswerError`.

    With `wanted` only those symbols' rows are kept.
    """
    try:
        rows: Iterable[tuple[str, TickerRow | None]] = [(row.symbol, row) for row in _rows.decode(body)]
    except _UNDECODABLE:
        rows = _rows_one_by_one(body)
    return {name: row for name, row in rows if wanted is None or name in wanted}


def _rows_one_by_one(body: bytes) -> Iterator[tuple[str, TickerRow | None]]:
    """Yield names and rows of an answer in which not every row is as documented."""
    try:
        raw_rows = _raw_rows.decode(body)
    except _UNDECODABLE:
        raise MalformedAnswerError("the answer is not a list of tickers") from None
    readable: dict[str, TickerRow] = {}
    for raw in raw_rows:
        for name in _readable([raw], _row_name):
            for row in _readable([raw], _row):
                readable[row.symbol] = row
            yield name.symbol, readable.get(name.symbol)


def decode_exchange_info(body: bytes) -> ExchangeInfo:
    """Return the symbols that can be read; raise `MalformedAnswerError` where there is none."""
    try:
        info = _exchange_info.decode(body)
    except _UNDECODABLE:
        raise MalformedAnswerError("the answer is not a list of symbols") from None
    symbols = tuple(_readable(info.symbols, _listed_symbol))
    if not symbols:
        raise MalformedAnswerError("the list of symbols is empty")
    limits = [
        limit.limit
        for limit in _readable(info.rate_limits, _rate_limit)
        if (limit.rate_limit_type, limit.interval, limit.interval_num) == ("REQUEST_WEIGHT", "MINUTE", 1)
    ]
    return ExchangeInfo(symbols, limits[0] if limits and limits[0] > 0 else None)


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
