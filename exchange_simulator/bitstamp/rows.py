"""The form in which Bitstamp writes a market's ticker. In the list of all, a row names its market."""

from collections.abc import Mapping
from typing import Any

from exchange_simulator.amounts import UNITS_PER_ONE, format_amount, format_percent, parse_amount, written_decimals
from exchange_simulator.tickers import DAY_MS, Row, Ticker, Today

SPOT, PERPETUAL = "SPOT", "PERPETUAL"
NAMING_KEYS = ("pair", "market")
"""What the row of a single market lacks."""
_PERPETUAL_ENDING = "-PERP"


def market_type(symbol: str) -> str:
    return PERPETUAL if symbol.endswith(_PERPETUAL_ENDING) else SPOT


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote asset of `BTC/USD` and of `BTC/USD-PERP`."""
    base, _, quote = symbol.removesuffix(_PERPETUAL_ENDING).partition("/")
    return base, quote


def write_row(ticker: Ticker, time_ms: int) -> Row:
    timestamp = str(time_ms // 1000)
    if ticker.recorded_row is not None:
        return {**ticker.recorded_row, "timestamp": timestamp}

    def price(units: int) -> str:
        return format_amount(units, ticker.price_decimals)

    kind = market_type(ticker.symbol)
    row = {
        "timestamp": timestamp,
        "open": price(ticker.today.open),
        "high": price(ticker.high),
        "low": price(ticker.low),
        "last": price(ticker.last),
        "volume": format_amount(ticker.volume, ticker.volume_decimals),
        "vwap": price(ticker.weighted_average),
        "bid": price(ticker.bid),
        "ask": price(ticker.ask),
        "side": str(ticker.last_id % 2),
        "open_24": price(ticker.open),
        "percent_change_24": format_percent(ticker.last - ticker.open, ticker.open, 2) if ticker.open else "",
        "market_type": kind,
        "pair": ticker.symbol,
        "market": ticker.symbol,
    }
    return row if kind == SPOT else {**row, **_interest(ticker)}


def _interest(ticker: Ticker) -> Row:
    return {
        "index_price": format_amount(ticker.weighted_average, 8),
        "mark_price": format_amount(ticker.last, 8),
        "open_interest": format_amount(ticker.bid_quantity, 5),
        "open_interest_value": format_amount(ticker.bid_quantity * ticker.last // UNITS_PER_ONE, 8),
    }


def read_row(row: Mapping[str, Any]) -> Ticker:
    """Read a row of the list of all; raise KeyError, TypeError or ValueError for what does not belong into one."""
    keys = {"open": "open_24", "weighted_average": "vwap"}
    amounts: dict[str, Any] = {
        name: parse_amount(row[keys.get(name, name)])
        for name in ("open", "high", "low", "last", "volume", "weighted_average", "bid", "ask")
    }
    time_ms = int(row["timestamp"]) * 1000
    opening = parse_amount(row["open"])
    return Ticker(
        symbol=row["pair"], **amounts,
        previous_close=0, last_quantity=0, bid_quantity=0, ask_quantity=0,
        quote_volume=amounts["volume"] * amounts["weighted_average"] // UNITS_PER_ONE,
        open_time_ms=time_ms - DAY_MS, close_time_ms=time_ms, first_id=0, last_id=0, count=0,
        today=Today(opening, opening, opening, opening),
        price_decimals=written_decimals(row["last"]), volume_decimals=written_decimals(row["volume"]),
        recorded_row=row,
    )  # fmt: skip
