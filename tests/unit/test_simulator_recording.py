"""Recorded answers served as a market of the present. The recording is of our own making."""

import json
from pathlib import Path
from typing import Any

import pytest

from exchange_simulator.binance.recording import read_recording
from exchange_simulator.binance.rows import write_row
from exchange_simulator.market import Market
from exchange_simulator.recording import RecordingError
from exchange_simulator.world import World

RECORDED_AT_MS = 1_600_000_000_000
DAY_MS = 86_400_000
START_MS = 1_900_000_000_000
WORLD = World()


def recorded_row(symbol: str, *, last: str = "100.00000000", lag_ms: int = 0, **others: Any) -> dict[str, Any]:
    close_time_ms = RECORDED_AT_MS - lag_ms
    return {
        "symbol": symbol, "priceChange": "0.00000000", "priceChangePercent": "0.000",
        "weightedAvgPrice": last, "prevClosePrice": last, "lastPrice": last, "lastQty": "1.00000000",
        "bidPrice": last, "bidQty": "2.00000000", "askPrice": last, "askQty": "3.00000000",
        "openPrice": last, "highPrice": last, "lowPrice": last,
        "volume": "1000.00000000", "quoteVolume": "100000.00000000",
        "openTime": close_time_ms - DAY_MS, "closeTime": close_time_ms,
        "firstId": 11, "lastId": 20, "count": 10, **others,
    }  # fmt: skip


def recorded_listing(symbol: str, status: str = "TRADING") -> dict[str, Any]:
    return {
        "symbol": symbol,
        "status": status,
        "baseAsset": symbol.removesuffix("BBB"),
        "quoteAsset": "BBB",
        "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.01000000"}],
        "permissions": ["SPOT"],
    }


def write_recording(folder: Path) -> tuple[Path, Path]:
    """Write tickers and exchangeInfo: live, quiet, delisted in both forms, and symbols in one file alone."""
    empty_book = dict.fromkeys(("bidPrice", "bidQty", "askPrice", "askQty"), "0.00000000")
    zero = "0.00000000"
    zeros = {key: zero for key, value in recorded_row("").items() if isinstance(value, str) and "." in value}
    rows = [
        recorded_row("AAABBB"),
        recorded_row("QUIETBBB", last="2.5", lag_ms=1_900_000),
        recorded_row("GONEBBB", lag_ms=90_000_000, **empty_book),
        recorded_row("ZEROBBB", **{**zeros, "priceChangePercent": "0.000", "firstId": -1, "lastId": -1, "count": 0}),
        recorded_row("BIGBBB", last="682448588.00", quoteVolume="100000.00"),
        recorded_row("UNLISTEDBBB"),
    ]
    listed = {"AAABBB": "TRADING", "QUIETBBB": "TRADING", "GONEBBB": "BREAK", "ZEROBBB": "BREAK",
              "BIGBBB": "TRADING", "ROWLESSBBB": "TRADING"}  # fmt: skip
    exchange_info = {
        "timezone": "UTC",
        "serverTime": RECORDED_AT_MS + 1500,
        "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1200}],
        "exchangeFilters": [],
        "symbols": [recorded_listing(symbol, status) for symbol, status in listed.items()],
    }
    files = folder / "tickers.json", folder / "exchange_info.json"
    for file, content in zip(files, (rows, exchange_info), strict=True):
        file.write_text(json.dumps(content))
    return files


def open_recording(folder: Path, is_still: bool = False) -> Market:
    source = read_recording(*write_recording(folder))
    return Market(source, started_at_ms=START_MS, seed=1, is_still=is_still)


def row_at(market: Market, symbol: str, after_ms: int = 0) -> dict[str, Any]:
    ticker = market.ticker(symbol, START_MS + after_ms, WORLD)
    assert ticker is not None
    return write_row(ticker)


def test_lags_behind_the_latest_event_are_kept(tmp_path: Path) -> None:
    market = open_recording(tmp_path)
    assert START_MS - row_at(market, "AAABBB")["closeTime"] == 0
    assert START_MS - row_at(market, "QUIETBBB")["closeTime"] == 1_900_000
    assert START_MS - row_at(market, "GONEBBB")["closeTime"] == 90_000_000


def test_a_still_recording_is_served_digit_by_digit_with_times_of_now(tmp_path: Path) -> None:
    market = open_recording(tmp_path, is_still=True)
    row = row_at(market, "QUIETBBB", after_ms=60_000)
    assert row["closeTime"] == START_MS + 60_000 - 1_900_000
    recorded = recorded_row("QUIETBBB", last="2.5", lag_ms=1_900_000)
    times = {"openTime": row["openTime"], "closeTime": row["closeTime"]}
    assert row == {**recorded, **times}


def test_recorded_prices_start_at_the_recorded_value_and_move_on(tmp_path: Path) -> None:
    market = open_recording(tmp_path)
    assert row_at(market, "AAABBB")["lastPrice"] == "100.00000000"
    prices = [float(row_at(market, "AAABBB", after_ms)["lastPrice"]) for after_ms in range(4_000, 40_000, 4_000)]
    assert len(set(prices)) > 1
    assert all(90 < price < 110 for price in prices)


def test_a_delisted_symbol_of_a_recording_never_moves(tmp_path: Path) -> None:
    market = open_recording(tmp_path)
    for symbol in ("GONEBBB", "ZEROBBB"):
        assert row_at(market, symbol) == row_at(market, symbol, after_ms=3_600_000)
    assert row_at(market, "ZEROBBB")["firstId"] == -1


def test_a_quote_with_two_decimals_keeps_them(tmp_path: Path) -> None:
    row = row_at(open_recording(tmp_path), "BIGBBB", after_ms=60_000)
    assert len(row["lastPrice"].partition(".")[2]) == 2
    assert len(row["volume"].partition(".")[2]) == 8


def test_a_symbol_may_be_in_one_of_the_two_files_alone(tmp_path: Path) -> None:
    market = open_recording(tmp_path)
    assert market.status("UNLISTEDBBB", WORLD) is None
    assert row_at(market, "UNLISTEDBBB") == row_at(market, "UNLISTEDBBB", after_ms=60_000)
    assert market.is_known("ROWLESSBBB", WORLD)
    assert market.ticker("ROWLESSBBB", START_MS, WORLD) is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe\x00", "is no JSON"),
        (b"{}", "expected a list of tickers"),
        (b"[]", "at least one"),
        (b"[3]", "row 1 is no ticker"),
        (json.dumps([{"symbol": "AAABBB"}]).encode(), r"row 1 \(AAABBB\) lacks"),
        (json.dumps([recorded_row("AAABBB", last="much")]).encode(), "'much' is not a decimal number"),
        (json.dumps([{**recorded_row("AAABBB"), "closeTime": None}]).encode(), "is malformed"),
    ],
)
def test_a_malformed_tickers_file_is_refused_by_name(tmp_path: Path, content: bytes, complaint: str) -> None:
    tickers, exchange_info = write_recording(tmp_path)
    tickers.write_bytes(content)
    with pytest.raises(RecordingError, match=complaint) as refusal:
        read_recording(tickers, exchange_info)
    assert str(tickers) in str(refusal.value)


@pytest.mark.parametrize("content", ["[]", "{}", '{"symbols": 3}', '{"symbols": [{}]}', "<html>"])
def test_a_malformed_exchange_info_file_is_refused_by_name(tmp_path: Path, content: str) -> None:
    tickers, exchange_info = write_recording(tmp_path)
    exchange_info.write_text(content)
    with pytest.raises(RecordingError, match="exchange_info"):
        read_recording(tickers, exchange_info)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere\.json cannot be read"):
        read_recording(tmp_path / "nowhere.json", tmp_path / "nowhere.json")


def test_the_recorded_present_is_the_latest_event(tmp_path: Path) -> None:
    source = read_recording(*write_recording(tmp_path))
    assert {opening.as_of_ms for opening in source.openings} == {RECORDED_AT_MS}
    assert recorded_listing("AAABBB") in source.listings
