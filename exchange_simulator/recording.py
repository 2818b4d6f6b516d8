"""Recorded answers of the exchange as the start of a simulated market."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exchange_simulator.market import MarketSource, Opening
from exchange_simulator.tickers import Ticker, read_row


class RecordingError(Exception):
    """A recording that cannot be served; the text names the file and what is wrong in it."""


def read_recording(tickers_file: Path, exchange_info_file: Path) -> MarketSource:
    """Read the answers of `ticker/24hr` (FULL, no symbol) and `exchangeInfo`.

    Symbols may occur in one of the two alone. The market's present is the latest closeTime, so that every
    symbol's lag behind it is kept.
    """
    tickers = _read_tickers(tickers_file)
    exchange_info = _read_json(exchange_info_file)
    listings = exchange_info.get("symbols") if isinstance(exchange_info, dict) else None
    if not isinstance(listings, list) or not all(_has_symbol(row) for row in listings):
        raise RecordingError(
            f"{exchange_info_file} is no answer of exchangeInfo: expected an object with a list of symbols"
        )
    present_ms = max(ticker.close_time_ms for ticker in tickers)
    rate_limits = exchange_info.get("rateLimits")
    return MarketSource(
        openings=[Opening(ticker, as_of_ms=present_ms) for ticker in tickers],
        listings=listings,
        rate_limits=[row for row in rate_limits if isinstance(row, dict)] if isinstance(rate_limits, list) else [],
    )


def _read_tickers(file: Path) -> list[Ticker]:
    rows = _read_json(file)
    if not isinstance(rows, list) or not rows:
        raise RecordingError(f"{file} is no answer of ticker/24hr: expected a list of tickers, and at least one")
    tickers = (_read_ticker(file, number, row) for number, row in enumerate(rows, start=1))
    return list({ticker.symbol: ticker for ticker in tickers}.values())


def _read_ticker(file: Path, number: int, row: Any) -> Ticker:
    if not _has_symbol(row):
        raise RecordingError(f"{file}: row {number} is no ticker: it has no symbol")
    try:
        return read_row(row)
    except KeyError as error:
        raise RecordingError(f"{file}: row {number} ({row['symbol']}) lacks {error}; FULL rows are wanted") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise RecordingError(f"{file}: row {number} ({row['symbol']}) is malformed: {error}") from error


def _has_symbol(row: Any) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("symbol"), str)


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise RecordingError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{file} is no JSON: {error}") from error
