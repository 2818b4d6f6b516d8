"""A client library that was written for the real exchange reads the simulated one."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
import requests
from requests.adapters import HTTPAdapter

from exchange_simulator.server import RunningExchanges, RunningSimulator


def without_other_hosts(client: Any, exchange: RunningSimulator) -> Any:
    """Return ccxt's client with the simulator as its only reachable host: any other raises InvalidSchema."""
    client.session = requests.Session()
    client.session.trust_env = False
    client.session.adapters.clear()
    client.session.mount(exchange.base_url, HTTPAdapter())
    return client


@pytest.fixture
def exchange() -> Iterator[RunningSimulator]:
    with RunningSimulator(seed=1) as simulator:
        yield simulator


@pytest.fixture
def client(exchange: RunningSimulator) -> Any:
    client = ccxt.binance({"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}}})
    client.urls["api"] = dict.fromkeys(client.urls["api"], exchange.base_url + "/api/v3")
    return without_other_hosts(client, exchange)


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


def test_it_reads_candles(client: Any) -> None:
    candles = client.fetch_ohlcv("BTC/USDT", "5m", limit=288)
    assert len(candles) == 288
    assert candles[-1][4] == pytest.approx(client.fetch_ticker("BTC/USDT")["last"], rel=0.01)


@pytest.fixture
def others() -> Iterator[RunningExchanges]:
    with RunningExchanges(["kraken", "bitstamp"], seed=1) as exchanges:
        yield exchanges


@pytest.fixture
def kraken(others: RunningExchanges) -> Any:
    """Return the client for Kraken. It asks for currencies first where it is let, which nobody here needs."""
    client = ccxt.kraken({"enableRateLimit": False})
    client.has["fetchCurrencies"] = False
    client.urls["api"] = dict.fromkeys(client.urls["api"], others["kraken"].base_url)
    return without_other_hosts(client, others["kraken"])


@pytest.fixture
def bitstamp(others: RunningExchanges) -> Any:
    client = ccxt.bitstamp({"enableRateLimit": False})
    client.urls["api"] = dict.fromkeys(client.urls["api"], others["bitstamp"].base_url + "/api")
    return without_other_hosts(client, others["bitstamp"])


def test_it_loads_kraken_s_markets_under_their_usual_names(kraken: Any) -> None:
    markets = kraken.load_markets()
    assert (markets["BTC/USD"]["id"], markets["DOGE/USD"]["id"]) == ("XXBTZUSD", "XDGUSD")
    assert {"BTC/EUR", "BTC/USDT", "ETH/BTC", "USDT/USD"} <= set(markets)
    assert markets["BTC/USD"]["active"]
    assert not markets["ALGO/EUR"]["active"]


def test_it_loads_bitstamp_s_markets_and_tells_spot_from_perpetual(bitstamp: Any) -> None:
    markets = bitstamp.load_markets()
    assert markets["BTC/USD"]["spot"]
    assert markets["BTC/USD:USD"]["swap"]
    assert not markets["ETC/EUR"]["active"]


@pytest.mark.parametrize("name", ["kraken", "bitstamp"])
def test_it_reads_tickers_and_candles_of_the_other_exchanges(
    name: str, others: RunningExchanges, request: pytest.FixtureRequest
) -> None:
    client = request.getfixturevalue(name)
    ticker = client.fetch_ticker("BTC/USD")
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["bid"] <= ticker["ask"]
    tickers = client.fetch_tickers(["BTC/USD", "BTC/USDT", "USDT/USD"])
    dollars = tickers["BTC/USDT"]["last"] * tickers["USDT/USD"]["last"]
    assert dollars == pytest.approx(tickers["BTC/USD"]["last"], rel=0.001)
    candles = client.fetch_ohlcv("BTC/USD", "5m", limit=288)
    assert candles[-1][4] == pytest.approx(ticker["last"], rel=0.01)
    assert {entry.status for entry in others[name].requests.last()} == {200}


def test_it_understands_kraken_s_errors(kraken: Any, others: RunningExchanges) -> None:
    kraken.load_markets()
    with (
        others["kraken"].faults.active("unknown_symbol", symbols=["BTC/USD"]),
        pytest.raises(ccxt.BaseError) as unknown,
    ):
        kraken.fetch_ticker("BTC/USD")
    assert "EQuery:Unknown asset pair" in str(unknown.value)
    with others["kraken"].faults.active("rate_limited"), pytest.raises(ccxt.DDoSProtection):
        kraken.fetch_ticker("BTC/USD")
    with others["kraken"].faults.active("error"), pytest.raises(ccxt.ExchangeNotAvailable):
        kraken.fetch_ticker("BTC/USD")
    with others["kraken"].faults.active("system_status"):
        assert kraken.fetch_status()["status"] == "maintenance"


def test_it_understands_bitstamp_s_errors(bitstamp: Any, others: RunningExchanges) -> None:
    bitstamp.load_markets()
    with others["bitstamp"].faults.active("rate_limited"), pytest.raises(ccxt.BaseError) as refused:
        bitstamp.fetch_ticker("BTC/USD")
    assert "400.002" in str(refused.value)
    with others["bitstamp"].faults.active("status", status=503, body="html"), pytest.raises(ccxt.ExchangeNotAvailable):
        bitstamp.fetch_ticker("BTC/USD")
