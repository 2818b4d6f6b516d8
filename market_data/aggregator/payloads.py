"""The exchange's JSON as typed records. Pure; field names and forms are those of Binance's REST documentation."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from market_data.aggregator.errors import MalformedAnswerError

TRADING = "TRADING"


class TickerRow(msgspec.Struct, frozen=True, rename="camel"):
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
    symbols: list[ListedSymbol]
    rate_limits: list[_RateLimit] = []


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
_raw_rows = msgspec.json.Decoder(list[msgspec.Raw])
_row = msgspec.json.Decoder(TickerRow)
_row_name = msgspec.json.Decoder(_RowName)
_exchange_info = msgspec.json.Decoder(_ExchangeInfo)
_error = msgspec.json.Decoder(_Error)


def decode_tickers(body: bytes) -> Mapping[str, TickerRow | None]:
    """Return the rows by symbol, None for a row whose fields are not as documented; raise `MalformedAnswerError`."""
    try:
        raw_rows = _raw_rows.decode(body)
    except _UNDECODABLE:
        raise MalformedAnswerError("the answer is not a list of tickers") from None
    rows: dict[str, TickerRow | None] = {}
    for raw in raw_rows:
        try:
            name = _row_name.decode(raw).symbol
        except _UNDECODABLE:
            continue
        rows[name] = _decoded_row(raw) or rows.get(name)
    return rows


def decode_exchange_info(body: bytes) -> ExchangeInfo:
    """Return the list of symbols; raise `MalformedAnswerError`, also for an empty one."""
    try:
        info = _exchange_info.decode(body)
    except _UNDECODABLE:
        raise MalformedAnswerError("the answer is not a list of symbols") from None
    if not info.symbols:
        raise MalformedAnswerError("the list of symbols is empty")
    limits = [
        limit.limit
        for limit in info.rate_limits
        if (limit.rate_limit_type, limit.interval, limit.interval_num) == ("REQUEST_WEIGHT", "MINUTE", 1)
    ]
    return ExchangeInfo(tuple(info.symbols), limits[0] if limits and limits[0] > 0 else None)


def decode_error(body: bytes) -> tuple[int | None, str]:
    """Return code and message of an error body; None and no message where it is not the exchange's JSON."""
    try:
        error = _error.decode(body)
    except _UNDECODABLE:
        return None, ""
    return error.code, error.msg


def _decoded_row(raw: msgspec.Raw) -> TickerRow | None:
    try:
        return _row.decode(raw)
    except _UNDECODABLE:
        return None
