"""Real recordings, where they lie beside the checkout. Nothing here knows their symbols or figures."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from exchange_simulator.binance.recording import read_recording
from exchange_simulator.server import RunningSimulator

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "exchange_recordings"
DEADLINE_SECONDS = 20


def recording() -> tuple[Path, Path]:
    tickers, infos = sorted(FOLDER.glob("*ticker*.json")), sorted(FOLDER.glob("*exchangeInfo*.json"))
    if not tickers or not infos:
        pytest.skip("no recordings of the exchange in ../shared/exchange_recordings")
    return tickers[0], infos[0]


def served(exchange: RunningSimulator) -> dict[str, dict[str, Any]]:
    answer = requests.get(exchange.base_url + "/api/v3/ticker/24hr", timeout=20)
    return {row["symbol"]: row for row in answer.json()}


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("openTime", "closeTime")}


def test_a_still_recording_comes_back_as_it_was_recorded_but_for_its_times() -> None:
    tickers, exchange_info = recording()
    with RunningSimulator(market=read_recording(tickers, exchange_info), is_still=True) as exchange:
        rows = served(exchange)
        listed = requests.get(exchange.base_url + "/api/v3/exchangeInfo", timeout=20).json()
    recorded = json.loads(tickers.read_bytes())
    assert [without_times(row) for row in rows.values()] == [without_times(row) for row in recorded]
    assert listed["symbols"] == json.loads(exchange_info.read_bytes())["symbols"]


def test_a_recording_moves_where_it_trades_and_nowhere_else() -> None:
    tickers, exchange_info = recording()
    statuses = {row["symbol"]: row["status"] for row in json.loads(exchange_info.read_bytes())["symbols"]}
    recorded = {row["symbol"]: row for row in json.loads(tickers.read_bytes())}
    with RunningSimulator(market=read_recording(tickers, exchange_info)) as exchange:
        rows = served(exchange)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not any(row["lastPrice"] != recorded[symbol]["lastPrice"] for symbol, row in rows.items()):
            assert time.monotonic() < deadline, "no price moves"
            rows = served(exchange)
    for symbol, row in rows.items():
        if statuses.get(symbol) != "TRADING":
            assert without_times(row) == without_times(recorded[symbol])
        else:
            assert float(row["lowPrice"]) <= float(row["lastPrice"]) <= float(row["highPrice"])
            assert abs(float(row["lastPrice"]) / float(recorded[symbol]["lastPrice"]) - 1) < 0.1
