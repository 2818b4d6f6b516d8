"""Recorded answers of Binance as the start of a simulated market."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from exchange_simulator.amounts import parse_amount, unit_of
from exchange_simulator.binance.markets import TRADING
from exchange_simulator.binance.rows import read_row
from exchange_simulator.market import MarketSource, Opening
from exchange_simulator.recording import RecordingError, read_json
from exchange_simulator.recording import read_row as read_recorded_row
from exchange_simulator.tickers import Ticker


def read_recording(tickers_file: Path, exchange_info_file: Path) -> MarketSource:
    """Read the answers of `ticker/24hr` (FULL, no symbol) and `exchangeInfo`.

    Symbols may occur in one of the two alone. The market's present is the latest closeTime, so that every
    symbol's lag behind it is kept.
    """
    tickers = _read_tickers(tickers_file)
    exchange_info = read_json(exchange_info_file)
    listings = exchange_info.get("symbols") if isinstance(exchange_info, dict) else None
    if not isinstance(listings, list) or not all(_has_symbol(row) for row in listings):
        raise RecordingError(
            f"{exchange_info_file} is no answer of exchangeInfo: expected an object with a list of symbols"
        )
    present_ms = max(ticker.close_time_ms for ticker in tickers)
    by_symbol = {row["symbol"]: row for row in listings}
    rate_limits = exchange_info.get("rateLimits")
    return MarketSource(
        openings=[_opening(ticker, by_symbol.get(ticker.symbol, {}), present_ms) for ticker in tickers],
        listings=listings,
        rate_limits=[row for row in rate_limits if isinstance(row, dict)] if isinstance(rate_limits, list) else [],
    )


def _opening(ticker: Ticker, listing: Mapping[str, Any], present_ms: int) -> Opening:
    return Opening(
        ticker,
        as_of_ms=present_ms,
        base=str(listing.get("baseAsset")),
        quote=str(listing.get("quoteAsset")),
        is_trading=listing.get("status") == TRADING,
        tick=_tick(listing),
    )


def _tick(listing: Mapping[str, Any]) -> int:
    """Return the price step in units of 10^-12; the finest of Binance where the listing names none that is usable."""
    finest = unit_of(8)
    for price_filter in _price_filters(listing.get("filters")):
        try:
            return max(finest, parse_amount(str(price_filter.get("tickSize"))))
        except ValueError:
            return finest
    return finest


def _price_filters(filters: object) -> Iterable[Mapping[str, Any]]:
    rows = filters if isinstance(filters, list) else []
    return (row for row in rows if isinstance(row, dict) and row.get("filterType") == "PRICE_FILTER")


def _read_tickers(file: Path) -> list[Ticker]:
    rows = read_json(file)
    if not isinstance(rows, list) or not rows:
        raise RecordingError(f"{file} is no answer of ticker/24hr: expected a list of tickers, and at least one")
    tickers = (_read_ticker(file, number, row) for number, row in enumerate(rows, start=1))
    return list({ticker.symbol: ticker for ticker in tickers}.values())


def _read_ticker(file: Path, number: int, row: Any) -> Ticker:
    if not _has_symbol(row):
        raise RecordingError(f"{file}: row {number} is no ticker: it has no symbol")
    return read_recorded_row(file, f"row {number} ({row['symbol']})", lambda: read_row(row), "FULL rows are wanted")


def _has_symbol(row: Any) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("symbol"), str)
