"""Recorded answers of Bitstamp as the start of a simulated market."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from exchange_simulator.amounts import unit_of
from exchange_simulator.bitstamp.markets import ENABLED, make_listing, url_symbol
from exchange_simulator.bitstamp.rows import market_type, read_row, split_symbol
from exchange_simulator.market import Listing, MarketSource, Opening
from exchange_simulator.recording import RecordingError, read_json
from exchange_simulator.recording import read_row as read_recorded_row
from exchange_simulator.tickers import Ticker

_PERIOD_MS = 1_000


def read_recording(tickers_file: Path, markets_file: Path | None) -> MarketSource:
    """Read the answers of `ticker` (all markets) and of `trading-pairs-info` or `markets`.

    Markets may occur in one of the two alone. Without the second the list is made of the tickers.
    """
    tickers = [
        read_recorded_row(tickers_file, f"row {number}", partial(read_row, row), "rows of ticker/ are wanted")
        for number, row in enumerate(_rows(tickers_file, "ticker/"), start=1)
    ]
    if markets_file is None:
        listings = [_listing_of(ticker) for ticker in tickers]
    else:
        listings = [
            read_recorded_row(
                markets_file,
                f"row {number}",
                partial(make_listing, row),
                "rows of trading-pairs-info are wanted",
            )
            for number, row in enumerate(_rows(markets_file, "trading-pairs-info/"), start=1)
        ]
    statuses = {listing["symbol"]: listing["status"] for listing in listings}
    return MarketSource([_opening(ticker, statuses.get(ticker.symbol)) for ticker in tickers], listings)


def _rows(file: Path, what: str) -> list[Mapping[str, Any]]:
    rows = read_json(file)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise RecordingError(f"{file} is no answer of {what}: expected a list, and a row in it")
    return rows


def _listing_of(ticker: Ticker) -> Listing:
    base, quote = split_symbol(ticker.symbol)
    return make_listing(
        {
            "name": ticker.symbol,
            "market_symbol": url_symbol(ticker.symbol),
            "base_currency": base,
            "base_decimals": ticker.volume_decimals,
            "counter_currency": quote,
            "counter_decimals": ticker.price_decimals,
            "minimum_order_value": "10.0",
            "trading": ENABLED,
            "instant_and_market_orders": ENABLED,
            "description": f"{base} / {quote}",
            "market_type": market_type(ticker.symbol),
        }
    )


def _opening(ticker: Ticker, status: str | None) -> Opening:
    base, quote = split_symbol(ticker.symbol)
    return Opening(
        ticker,
        as_of_ms=ticker.close_time_ms,
        base=base,
        quote=quote,
        is_trading=status == ENABLED and ticker.high > 0,
        tick=unit_of(ticker.price_decimals),
        period_ms=_PERIOD_MS,
    )
