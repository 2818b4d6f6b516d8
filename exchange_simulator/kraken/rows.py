"""The form in which Kraken writes a market's ticker: pairs of today's figure and that of the last 24 hours."""

from collections.abc import Mapping
from typing import Any

from exchange_simulator.amounts import UNITS_PER_ONE, format_amount, parse_amount, written_decimals
from exchange_simulator.tickers import Row, Ticker, Today


def write_row(ticker: Ticker) -> Row:
    if ticker.recorded_row is not None:
        return dict(ticker.recorded_row)
    today = ticker.today

    def price(units: int) -> str:
        return format_amount(units, ticker.price_decimals)

    def volume(units: int) -> str:
        return format_amount(units, ticker.volume_decimals)

    return {
        "a": [price(ticker.ask), *_lots(ticker.ask_quantity)],
        "b": [price(ticker.bid), *_lots(ticker.bid_quantity)],
        "c": [price(ticker.last), volume(ticker.last_quantity)],
        "v": [volume(today.volume), volume(ticker.volume)],
        "p": [price(today.weighted_average), price(ticker.weighted_average)],
        "t": [today.count, ticker.count],
        "l": [price(today.low), price(ticker.low)],
        "h": [price(today.high), price(ticker.high)],
        "o": price(today.open),
    }


def _lots(units: int) -> list[str]:
    """Return a quantity in whole lots, which the recordings show twice."""
    lots = -(-units // UNITS_PER_ONE)
    return [str(lots), f"{lots}.000"]


def read_row(symbol: str, row: Mapping[str, Any]) -> Ticker:
    """Read a row; raise KeyError, IndexError, TypeError or ValueError for what does not belong into one.

    The price of 24 hours ago is not in it.
    """
    (ask, ask_lots), (bid, bid_lots) = ((parse_amount(row[key][0]), parse_amount(row[key][1])) for key in "ab")
    last, last_quantity = map(parse_amount, row["c"])
    amounts = {key: (parse_amount(row[key][0]), parse_amount(row[key][1])) for key in "vplh"}
    (today_volume, volume), (today_average, average) = amounts["v"], amounts["p"]
    (today_low, low), (today_high, high) = amounts["l"], amounts["h"]
    today_count, count = map(int, row["t"])
    return Ticker(
        symbol=symbol, open=0, high=high, low=low, last=last,
        weighted_average=average, previous_close=0,
        last_quantity=last_quantity, bid=bid, bid_quantity=bid_lots, ask=ask, ask_quantity=ask_lots,
        volume=volume, quote_volume=volume * average // UNITS_PER_ONE,
        open_time_ms=0, close_time_ms=0, first_id=0, last_id=count, count=count,
        today=Today(parse_amount(row["o"]), today_high, today_low, today_average, today_volume, today_count),
        price_decimals=written_decimals(row["c"][0]),
        volume_decimals=written_decimals(row["v"][1]),
        recorded_row=row,
    )  # fmt: skip
