"""Real recordings of Kraken and Bitstamp, where they lie beside the checkout. Nothing here knows their figures."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from exchange_simulator.bitstamp.recording import read_recording as read_bitstamp
from exchange_simulator.kraken.recording import read_recording as read_kraken
from exchange_simulator.market import MarketSource
from exchange_simulator.recording import read_json
from exchange_simulator.server import RunningSimulator
from tests.integration.test_exchange_simulator_recordings import FOLDER

TIMEOUT_SECONDS = 20


def recorded(exchange: str, pattern: str) -> Path:
    files = sorted((FOLDER / exchange).glob(pattern))
    if not files:
        pytest.skip(f"no {pattern} of {exchange} in ../shared/exchange_recordings")
    return files[0]


def get(exchange: RunningSimulator, target: str) -> requests.Response:
    return requests.get(exchange.base_url + target, timeout=TIMEOUT_SECONDS)


@pytest.fixture(params=[False, True], ids=["tickers alone", "tickers and asset pairs"])
def kraken(request: pytest.FixtureRequest) -> MarketSource:
    pairs = recorded("kraken", "*asset_pairs_3*.txt") if request.param else None
    return read_kraken(recorded("kraken", "*ticker_all.json"), pairs)


def test_a_still_whole_market_of_kraken_comes_back_byte_by_byte(kraken: MarketSource) -> None:
    with RunningSimulator("kraken", market=kraken, is_still=True) as exchange:
        served = get(exchange, "/0/public/Ticker?assetVersion=1").content
    assert served == recorded("kraken", "*ticker_all.json").read_bytes().strip()


def test_kraken_s_list_comes_back_as_it_was_recorded() -> None:
    pairs = recorded("kraken", "*asset_pairs_3*.txt")
    source = read_kraken(recorded("kraken", "*ticker_all.json"), pairs)
    with RunningSimulator("kraken", market=source) as exchange:
        assert get(exchange, "/0/public/AssetPairs").json() == read_json(pairs)
        assert (
            get(exchange, "/0/public/AssetPairs?assetVersion=1&pair=XBTUSD").json()["result"]["BTC/USD"]["base"]
            == "BTC"
        )


def test_a_whole_market_of_kraken_moves_where_it_is_traded_and_nowhere_else(kraken: MarketSource) -> None:
    rows = json.loads(recorded("kraken", "*ticker_all.json").read_bytes())["result"]
    with RunningSimulator("kraken", market=kraken, started_at_ms=1) as exchange:
        moved = get(exchange, "/0/public/Ticker?assetVersion=1").json()["result"]
    assert list(moved) == list(rows)
    trading = {opening.ticker.symbol for opening in kraken.openings if opening.is_trading and opening.ticker.last}
    changed = {name for name in rows if moved[name] != rows[name]}
    assert changed <= trading
    assert len(changed) > 0.9 * len(trading)
    for name in changed:
        assert_consistent(moved[name])
        assert [len(text) for text in moved[name]["p"]], name
        assert decimals(moved[name]) == decimals(rows[name]), name


def assert_consistent(row: dict[str, Any]) -> None:
    low, high = float(row["l"][1]), float(row["h"][1])
    assert low <= float(row["c"][0]) <= high
    assert low <= float(row["l"][0]) <= float(row["h"][0]) <= high


def decimals(row: dict[str, Any]) -> list[int]:
    prices = [row["a"][0], row["b"][0], row["c"][0], row["o"], *row["p"], *row["h"], *row["l"], *row["v"]]
    return [len(price.partition(".")[2]) for price in prices]


def test_candles_of_the_last_day_stay_within_the_recorded_high_and_low(kraken: MarketSource) -> None:
    source = {opening.ticker.symbol: opening.ticker for opening in kraken.openings}
    with RunningSimulator("kraken", market=kraken) as exchange:
        result = get(exchange, "/0/public/OHLC?pair=BTC/USD&interval=5&assetVersion=1").json()["result"]
    assert set(result) == {"BTC/USD", "last"}
    low, high = (units / 10**12 for units in (source["BTC/USD"].low, source["BTC/USD"].high))
    for row in result["BTC/USD"][-287:]:
        assert low * 0.9999 <= float(row[3]) <= float(row[2]) <= high * 1.0001


def bitstamp_rows() -> list[dict[str, str]]:
    rows = [entry["row"] for entry in json.loads(recorded("bitstamp", "ticker_rows.json").read_bytes())]
    latest = {row["pair"]: row for row in rows if "pair" in row}
    return list(latest.values())


def test_rows_of_bitstamp_come_back_digit_by_digit_with_a_time_of_now(tmp_path: Path) -> None:
    rows = bitstamp_rows()
    tickers = tmp_path / "tickers.json"
    tickers.write_text(json.dumps(rows))
    for markets in (None, recorded("bitstamp", "*trading_pairs_info*.txt")):
        with RunningSimulator("bitstamp", market=read_bitstamp(tickers, markets), is_still=True) as exchange:
            served = get(exchange, "/api/v2/ticker/").json()
        assert [{**row, "timestamp": "0"} for row in served] == [{**row, "timestamp": "0"} for row in rows]
        assert all(int(now["timestamp"]) > int(then["timestamp"]) for now, then in zip(served, rows, strict=True))


def test_moving_rows_of_bitstamp_keep_their_form_and_the_dead_stay_dead(tmp_path: Path) -> None:
    rows = {row["pair"]: row for row in bitstamp_rows()}
    tickers = tmp_path / "tickers.json"
    tickers.write_text(json.dumps(list(rows.values())))
    with RunningSimulator("bitstamp", market=read_bitstamp(tickers, None), started_at_ms=1) as exchange:
        served = {row["pair"]: row for row in get(exchange, "/api/v2/ticker/").json()}
    for pair, row in rows.items():
        assert list(served[pair]) == list(row)
        if row["percent_change_24"]:
            assert served[pair]["last"] != row["last"]
            assert len(served[pair]["last"].partition(".")[2]) == len(row["last"].partition(".")[2])
        else:
            assert {**served[pair], "timestamp": "0"} == {**row, "timestamp": "0"}


def test_bitstamp_s_list_comes_back_as_it_was_recorded(tmp_path: Path) -> None:
    tickers = tmp_path / "tickers.json"
    tickers.write_text(json.dumps(bitstamp_rows()))
    pairs = recorded("bitstamp", "*trading_pairs_info*.txt")
    with RunningSimulator("bitstamp", market=read_bitstamp(tickers, pairs)) as exchange:
        assert get(exchange, "/api/v2/trading-pairs-info/").json() == read_json(pairs)
