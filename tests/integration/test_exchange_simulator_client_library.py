"""A client library that was written for the real exchange reads the simulated one."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
import requests
from requests.adapters import HTTPAdapter

from exchange_simulator.server import RunningSimulator


@pytest.fixture
def exchange() -> Iterator[RunningSimulator]:
    with RunningSimulator(seed=1) as simulator:
        yield simulator


@pytest.fixture
def client(exchange: RunningSimulator) -> Any:
    """Return ccxt's client with the simulator as its only reachable host: any other raises InvalidSchema."""
    client = ccxt.binance({"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}}})
    client.urls["api"] = dict.fromkeys(client.urls["api"], exchange.base_url + "/api/v3")
    client.session = requests.Session()
    client.session.trust_env = False
    client.session.adapters.clear()
    client.session.mount(exchange.base_url, HTTPAdapter())
    return client


def test_the_client_reaches_no_host_but_the_simulator(client: Any) -> None:
    client.urls["api"] = dict.fromkeys(client.urls["api"], "http://binance.invalid/api/v3")
    with pytest.raises(ccxt.BaseError) as refusal:
        client.fetch_ticker("BTC/USDT")
    assert isinstance(refusal.value.__cause__, requests.exceptions.InvalidSchema)


def test_it_loads_the_markets_with_base_and_quote(client: Any, exchange: RunningSimulator) -> None:
    markets = client.load_markets()
    assert markets["BTC/USDT"]["id"] == "BTCUSDT"
    assert markets["1000SATS/USDT"]["base"] == "1000SATS"
    assert (markets["币安人生/USDT"]["base"], markets["币安人生/USDT"]["id"]) == ("币安人生", "币安人生USDT")
    assert markets["BTC/USDT"]["active"]
    assert not markets["XMR/USDT"]["active"]
    assert set(exchange.requests.by_path) == {"/api/v3/exchangeInfo"}


def test_it_reads_one_ticker(client: Any) -> None:
    ticker = client.fetch_ticker("BTC/USDT")
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["bid"] <= ticker["ask"]
    assert ticker["percentage"] == pytest.approx((ticker["last"] / ticker["open"] - 1) * 100, abs=0.001)


def test_it_reads_several_tickers_and_the_whole_market(client: Any, exchange: RunningSimulator) -> None:
    some = client.fetch_tickers(["BTC/USDT", "SHIB/USDT", "币安人生/USDT"])
    assert set(some) == {"BTC/USDT", "SHIB/USDT", "币安人生/USDT"}
    assert 0 < some["SHIB/USDT"]["last"] < 0.001
    assert len(client.fetch_tickers()) == len(client.markets)
    assert {entry.status for entry in exchange.requests.last()} == {200}


def test_it_understands_the_errors(client: Any, exchange: RunningSimulator) -> None:
    client.load_markets()
    with exchange.faults.active("unknown_symbol", symbols=["BTCUSDT"]), pytest.raises(ccxt.BadSymbol):
        client.fetch_ticker("BTC/USDT")
    with exchange.faults.active("rate_limited"), pytest.raises(ccxt.DDoSProtection):
        client.fetch_ticker("BTC/USDT")
