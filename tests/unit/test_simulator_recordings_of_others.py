"""Recorded answers of Kraken and Bitstamp served as markets of the present. The recordings are of our own making."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exchange_simulator.bitstamp.recording import read_recording as read_bitstamp
from exchange_simulator.bitstamp.rows import write_row as write_bitstamp
from exchange_simulator.kraken.recording import read_recording as read_kraken
from exchange_simulator.kraken.rows import write_row as write_kraken
from exchange_simulator.market import Market, MarketSource
from exchange_simulator.recording import RecordingError
from exchange_simulator.world import World

START_MS = 1_900_000_000_000
HOUR_MS = 3_600_000
KRAKEN_ROW = {
    "a": ["100.30000", "2", "2.000"], "b": ["100.10000", "3", "3.000"], "c": ["100.20000", "0.50000000"],
    "v": ["10.00000000", "30.00000000"], "p": ["100.00000", "99.50000"], "t": [9_000, 86_400],
    "l": ["99.00000", "97.00000"], "h": ["101.00000", "102.00000"], "o": "99.70000",
}  # fmt: skip
PAIR = {"altname": "XBTEUR", "wsname": "XBT/EUR", "base": "XXBT", "quote": "ZEUR", "pair_decimals": 1}
BITSTAMP_ROW = {
    "timestamp": "1600000000", "open": "101.5", "high": "110.0", "low": "90.0", "last": "100.0", "volume": "7.50000000",
    "vwap": "101.0", "bid": "99.9", "ask": "100.1", "side": "0", "open_24": "96.0", "percent_change_24": "4.17",
    "market_type": "SPOT", "pair": "AAA/USD", "market": "AAA/USD",
}  # fmt: skip


def write(file: Path, content: Any) -> Path:
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def kraken_source(folder: Path, rows: dict[str, Any], pairs: dict[str, Any] | None = None) -> MarketSource:
    tickers = write(folder / "tickers.json", {"error": [], "result": rows})
    listed = None if pairs is None else write(folder / "pairs.json", {"error": [], "result": pairs})
    return read_kraken(tickers, listed)


def row_after(source: MarketSource, symbol: str, after_ms: int, write_row: Callable[..., Any], *times: int) -> Any:
    market = Market(source, started_at_ms=START_MS, seed=1)
    ticker = market.ticker(symbol, START_MS + after_ms, World())
    assert ticker is not None
    return write_row(ticker, *times)


@pytest.mark.parametrize("name", ["BTC/EUR", "XXBTZEUR", "XBTEUR"])
def test_kraken_s_tickers_and_its_list_find_each_other_whatever_name_they_use(tmp_path: Path, name: str) -> None:
    source = kraken_source(tmp_path, {name: KRAKEN_ROW}, {"XXBTZEUR": PAIR})
    (opening,) = source.openings
    assert (opening.ticker.symbol, opening.base, opening.quote, opening.is_trading) == ("BTC/EUR", "BTC", "EUR", True)


def test_kraken_s_list_is_made_of_the_tickers_where_none_is_given(tmp_path: Path) -> None:
    source = kraken_source(tmp_path, {"BTC/EUR": KRAKEN_ROW, "DOGE/USD": KRAKEN_ROW})
    assert [listing["names"].key for listing in source.listings] == ["XXBTZEUR", "XDGUSD"]
    assert [listing["row"]["pair_decimals"] for listing in source.listings] == [1, 1]


def test_a_recorded_price_of_kraken_starts_as_it_was_and_moves_on(tmp_path: Path) -> None:
    source = kraken_source(tmp_path, {"BTC/EUR": KRAKEN_ROW})
    assert row_after(source, "BTC/EUR", 0, write_kraken) == KRAKEN_ROW
    moved = row_after(source, "BTC/EUR", HOUR_MS, write_kraken)
    assert moved["c"][0] != KRAKEN_ROW["c"][0]
    assert 90 < float(moved["c"][0]) < 110
    assert moved["o"] == "99.70000"


def test_a_market_that_is_not_online_or_not_traded_never_moves(tmp_path: Path) -> None:
    dead = {**KRAKEN_ROW, "c": ["0.00000", "0.00000000"]}
    pairs = {
        "XXBTZEUR": {**PAIR, "status": "cancel_only"},
        "ETHEUR": {**PAIR, "altname": "ETHEUR", "wsname": "ETH/EUR"},
    }
    source = kraken_source(tmp_path, {"BTC/EUR": KRAKEN_ROW, "ETH/EUR": dead}, pairs)
    assert row_after(source, "BTC/EUR", HOUR_MS, write_kraken) == KRAKEN_ROW
    assert row_after(source, "ETH/EUR", HOUR_MS, write_kraken) == dead


def test_what_kraken_seldom_traded_seldom_moves(tmp_path: Path) -> None:
    quiet = {**KRAKEN_ROW, "t": [1, 12]}
    source = kraken_source(tmp_path, {"BTC/EUR": quiet})
    assert row_after(source, "BTC/EUR", HOUR_MS, write_kraken) == quiet
    assert row_after(source, "BTC/EUR", 3 * HOUR_MS, write_kraken) != quiet


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ({}, "is no answer of Ticker"),
        ({"BTC/EUR": 3}, "is no answer of Ticker"),
        ({"XXBTZEUR": KRAKEN_ROW}, "'XXBTZEUR' names no base and quote asset; give the answer of AssetPairs too"),
        ({"BTC/EUR": {}}, "BTC/EUR lacks"),
        ({"BTC/EUR": {**KRAKEN_ROW, "c": ["much", "1"]}}, "'much' is not a decimal number"),
        ({"BTC/EUR": {**KRAKEN_ROW, "h": ["1.0"]}}, "BTC/EUR is malformed"),
    ],
)
def test_a_malformed_recording_of_kraken_is_refused_by_name(
    tmp_path: Path, rows: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(RecordingError, match=complaint) as refusal:
        kraken_source(tmp_path, rows)
    assert "tickers.json" in str(refusal.value)


def test_a_malformed_list_of_kraken_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"pairs\.json: XXBTZEUR lacks 'altname'"):
        kraken_source(tmp_path, {"BTC/EUR": KRAKEN_ROW}, {"XXBTZEUR": {"wsname": "XBT/EUR"}})


def bitstamp_source(folder: Path, rows: Any, markets: Any = None) -> MarketSource:
    tickers = write(folder / "tickers.json", rows)
    return read_bitstamp(tickers, None if markets is None else write(folder / "markets.json", markets))


def test_a_recorded_price_of_bitstamp_starts_as_it_was_and_moves_on(tmp_path: Path) -> None:
    source = bitstamp_source(tmp_path, [BITSTAMP_ROW])
    now = str(START_MS // 1000)
    assert row_after(source, "AAA/USD", 0, write_bitstamp, START_MS) == {**BITSTAMP_ROW, "timestamp": now}
    moved = row_after(source, "AAA/USD", HOUR_MS, write_bitstamp, START_MS)
    assert moved["last"] != BITSTAMP_ROW["last"]
    assert 90 < float(moved["open_24"]) < 110


def test_candles_lead_from_the_recorded_price_of_24_hours_ago_to_the_recorded_one(tmp_path: Path) -> None:
    market = Market(bitstamp_source(tmp_path, [BITSTAMP_ROW]), started_at_ms=START_MS, seed=1)
    day_ms = 24 * HOUR_MS
    first, last = market.candles("AAA/USD", [START_MS - day_ms, START_MS - HOUR_MS], HOUR_MS, START_MS, World())
    assert (first.open, last.close) == (96 * 10**12, 100 * 10**12)


TRADING_PAIR = {
    "trading": "Disabled", "base_decimals": 8, "url_symbol": "aaausd", "name": "AAA/USD",
    "instant_and_market_orders": "Enabled", "minimum_order": "20.0 USD", "counter_decimals": 1,
    "description": "Aaa / U.S. dollar",
}  # fmt: skip
MARKET = {"name": "AAA/USD", "market_symbol": "aaausd", "trading": "Disabled"}


@pytest.mark.parametrize("row", [TRADING_PAIR, MARKET], ids=["trading-pairs-info", "markets"])
def test_a_market_that_bitstamp_lists_as_disabled_never_moves(tmp_path: Path, row: dict[str, Any]) -> None:
    source = bitstamp_source(tmp_path, [BITSTAMP_ROW], [row])
    assert row_after(source, "AAA/USD", HOUR_MS, write_bitstamp, 1_600_000_000_000) == BITSTAMP_ROW


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "is no answer of ticker/"),
        ({"last": "1"}, "is no answer of ticker/"),
        ([{**BITSTAMP_ROW, "last": "NaN"}], "row 1 is malformed"),
        ([{key: value for key, value in BITSTAMP_ROW.items() if key != "pair"}], "row 1 lacks 'pair'"),
    ],
)
def test_a_malformed_recording_of_bitstamp_is_refused_by_name(tmp_path: Path, rows: Any, complaint: str) -> None:
    with pytest.raises(RecordingError, match=complaint) as refusal:
        bitstamp_source(tmp_path, rows)
    assert "tickers.json" in str(refusal.value)


def test_a_line_of_a_log_with_address_and_time_before_the_body_is_read_too(tmp_path: Path) -> None:
    log = f"https://exchange.test/ticker/ -> 1641343690.596035: {json.dumps([BITSTAMP_ROW])}\nconfiguration: none\n"
    assert len(bitstamp_source(tmp_path, log).openings) == 1
