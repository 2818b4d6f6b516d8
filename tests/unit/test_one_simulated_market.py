"""What holds between the exchanges: one market behind all of them, and small differences."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from exchange_simulator.binance.weights import KLINES, TICKER_24HR, UI_KLINES
from exchange_simulator.exchange import SimulatedExchange
from exchange_simulator.fault_kinds import FaultInputError
from exchange_simulator.formats import FORMATS
from exchange_simulator.market import Market
from exchange_simulator.world import World
from tests.unit.test_simulated_exchange_answers import START_MS, Clock, ask, content

DAY_MS = 86_400_000
Exchanges = Mapping[str, SimulatedExchange]


def open_exchanges(clock: Clock, seed: int = 1) -> Exchanges:
    exchanges = {
        name: form.simulate(Market(form.generate(seed=seed), started_at_ms=START_MS, seed=seed), now_ms=clock)
        for name, form in FORMATS.items()
    }
    faults = [exchange.faults for exchange in exchanges.values()]
    for one in faults:
        one.share_market_with(faults)
    return exchanges


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exchanges(clock: Clock) -> Exchanges:
    return open_exchanges(clock)


def price(exchanges: Exchanges, name: str, pair: str) -> Decimal:
    exchange = exchanges[name]
    exchange.reset_limits()
    if name == "binance":
        return Decimal(content(ask(exchange, TICKER_24HR, f"symbol={pair.replace('/', '')}"))["lastPrice"])
    if name == "kraken":
        return Decimal(content(ask(exchange, "/0/public/Ticker", "assetVersion=1"))["result"][pair]["c"][0])
    rows = {row["pair"]: row for row in content(ask(exchange, "/api/v2/ticker/"))}
    return Decimal(rows[pair]["last"])


def apart(one: Decimal, other: Decimal) -> Decimal:
    return abs(one / other - 1)


@pytest.mark.parametrize("hours", [0, 1, 30])
def test_the_same_pair_costs_nearly_but_not_quite_the_same_everywhere(
    exchanges: Exchanges, clock: Clock, hours: int
) -> None:
    clock.now_ms += hours * 3_600_000 + 10_000
    prices = [price(exchanges, name, "BTC/USDT") for name in FORMATS]
    assert len(set(prices)) == 3
    assert max(apart(one, other) for one in prices for other in prices) < Decimal("0.0015")


def test_the_same_seed_gives_the_same_prices_and_another_seed_others(clock: Clock) -> None:
    first, second, other = (open_exchanges(clock, seed) for seed in (7, 7, 8))
    for name in FORMATS:
        assert price(first, name, "BTC/USDT") == price(second, name, "BTC/USDT") != price(other, name, "BTC/USDT")


@pytest.mark.parametrize("name", ["kraken", "bitstamp"])
def test_tether_at_95_cents_moves_what_is_quoted_in_it_and_leaves_dollars_alone(
    exchanges: Exchanges, name: str
) -> None:
    dollars = price(exchanges, name, "BTC/USD")
    binance_before = price(exchanges, "binance", "BTC/USDT")
    with exchanges["binance"].faults.active("asset_price", asset="USDT", dollars=0.95):
        assert price(exchanges, name, "BTC/USD") == dollars
        tether = price(exchanges, name, "USDT/USD")
        assert apart(tether, Decimal("0.95")) < Decimal("0.0004")
        assert apart(price(exchanges, name, "BTC/USDT"), dollars / tether) < Decimal("0.0001")
        assert price(exchanges, "binance", "BTC/USDT") > binance_before * Decimal("1.04")
    assert apart(price(exchanges, name, "USDT/USD"), Decimal(1)) < Decimal("0.001")


def test_a_fault_of_the_whole_market_is_listed_where_it_was_switched_on_and_knows_no_limits(
    exchanges: Exchanges,
) -> None:
    exchanges["kraken"].faults.add("asset_price")
    assert exchanges["binance"].faults.as_json() == []
    assert [fault["asset"] for fault in exchanges["kraken"].faults.as_json()] == ["USDT"]
    with pytest.raises(FaultInputError, match="of the whole market"):
        exchanges["kraken"].faults.add("asset_price", symbols=["BTC/USD"])
    with pytest.raises(FaultInputError, match="one of USD, USDT"):
        exchanges["kraken"].faults.add("asset_price", asset="TETHER")


def test_other_faults_strike_the_exchange_alone_where_they_are_on(exchanges: Exchanges) -> None:
    exchanges["kraken"].faults.add("firewall")
    assert ask(exchanges["kraken"], "/0/public/Ticker").status == 403
    assert ask(exchanges["bitstamp"], "/api/v2/ticker/").status == 200
    assert [exchange.requests.total for exchange in exchanges.values()] == [0, 1, 1]


def klines(exchanges: Exchanges, query: str, path: str = KLINES) -> Any:
    return content(ask(exchanges["binance"], path, f"symbol=BTCUSDT&{query}"))


def test_klines_are_those_of_the_ticker(exchanges: Exchanges, clock: Clock) -> None:
    clock.now_ms += 300_000 - clock.now_ms % 300_000
    last = price(exchanges, "binance", "BTC/USDT")
    rows = klines(exchanges, "interval=5m")
    assert len(rows) == 500
    assert Decimal(rows[-2][4]) == last
    assert rows[-1][0] == clock.now_ms
    assert {len(row) for row in rows} == {12}
    assert all(following[0] == row[0] + 300_000 == row[6] + 1 for row, following in pairwise(rows))
    clock.now_ms += DAY_MS
    opening = content(ask(exchanges["binance"], TICKER_24HR, "symbol=BTCUSDT"))["openPrice"]
    assert Decimal(opening) == last
    assert klines(exchanges, "interval=5m", UI_KLINES) == klines(exchanges, "interval=5m")


def test_klines_begin_and_end_where_one_wants(exchanges: Exchanges) -> None:
    hour_ms = START_MS - START_MS % 3_600_000
    first = klines(exchanges, f"interval=1h&startTime={hour_ms - 7_200_000 + 1}&limit=5")
    assert [row[0] for row in first] == [hour_ms - 3_600_000, hour_ms]
    assert [row[0] for row in klines(exchanges, f"interval=1h&endTime={hour_ms - 1}&limit=1")] == [hour_ms - 3_600_000]
    assert len(klines(exchanges, "interval=1m&limit=5000")) == 1000
    monday = klines(exchanges, "interval=1w&limit=1")[0][0] // DAY_MS
    assert (monday + 3) % 7 == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("symbol=BTCUSDT", -1102),
        ("interval=5m", -1102),
        ("symbol=BTCUSDT&interval=7m", -1120),
        ("symbol=NOSUCH&interval=5m", -1121),
        ("symbol=BTCUSDT&interval=5m&limit=x", -1100),
        ("symbol=BTCUSDT&interval=5m&colour=red", -1104),
    ],
)
def test_a_wrong_request_for_klines_gets_its_code(exchanges: Exchanges, query: str, code: int) -> None:
    answer = ask(exchanges["binance"], KLINES, query)
    assert (answer.status, content(answer)["code"]) == (400, code)


@pytest.mark.parametrize("name", FORMATS)
def test_the_dollar_is_no_quote_of_binance_and_one_of_the_others(exchanges: Exchanges, name: str) -> None:
    symbols = exchanges[name].market.symbols(World())
    assert ("BTC/USD" in symbols) is (name != "binance")
    assert "BTCUSD" not in symbols


@pytest.mark.parametrize("symbol_count", [5, 60, 300])
def test_every_exchange_has_as_many_markets_as_asked_for(clock: Clock, symbol_count: int) -> None:
    for name, form in FORMATS.items():
        source = form.generate(symbol_count=symbol_count, seed=1)
        symbols = [opening.ticker.symbol for opening in source.openings]
        assert len(set(symbols)) == len(source.listings) == symbol_count, name
