"""What holds for simulated tickers at every instant."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange_simulator.binance.markets import generate_market, instruments
from exchange_simulator.binance.rows import FULL_KEYS, MINI_KEYS, write_row
from exchange_simulator.market import Market, MarketSource
from exchange_simulator.tickers import Row
from exchange_simulator.world import FROZEN, PriceChange, SymbolState, World

START_MS = 1_700_000_000_000
DAY_MS = 86_400_000
QUIET_WORLD = World()


def open_market(symbols: int = 60, seed: int = 1, is_still: bool = False) -> Market:
    source = generate_market(symbol_count=symbols, seed=seed)
    return Market(source, started_at_ms=START_MS, seed=seed, is_still=is_still)


def row_of(market: Market, symbol: str, now_ms: int, world: World = QUIET_WORLD) -> Row:
    ticker = market.ticker(symbol, now_ms, world)
    assert ticker is not None
    return write_row(ticker)


def assert_consistent(row: Row, now_ms: int) -> None:
    price = {key: Decimal(row[f"{key}Price"]) for key in ("open", "high", "low", "last", "bid", "ask")}
    assert Decimal(0) < price["low"] <= min(price["last"], price["open"])
    assert max(price["last"], price["open"]) <= price["high"]
    assert price["low"] <= Decimal(row["weightedAvgPrice"]) <= price["high"]
    assert price["bid"] <= price["last"] <= price["ask"]
    assert Decimal(row["priceChange"]) == price["last"] - price["open"]
    percent = (price["last"] - price["open"]) / price["open"] * 100
    assert abs(Decimal(row["priceChangePercent"]) - percent) <= Decimal("0.0005")
    assert row["closeTime"] <= now_ms
    assert row["closeTime"] - row["openTime"] == DAY_MS
    assert row["lastId"] - row["firstId"] + 1 == row["count"] > 0


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    steps_ms=st.lists(st.integers(0, 3 * DAY_MS), min_size=1, max_size=8),
)
def test_a_ticker_is_consistent_at_every_instant(seed: int, steps_ms: list[int]) -> None:
    market = open_market(40, seed)
    trading = [row["symbol"] for row in market.listings.values() if row["status"] == "TRADING"]
    now_ms, earlier_close_ms = START_MS, dict.fromkeys(trading, 0)
    for step_ms in steps_ms:
        now_ms += step_ms
        for symbol in trading:
            row = row_of(market, symbol, now_ms)
            assert_consistent(row, now_ms)
            assert row["closeTime"] >= earlier_close_ms[symbol]
            earlier_close_ms[symbol] = row["closeTime"]


def test_the_same_seed_asked_at_the_same_instants_gives_the_same_prices() -> None:
    instants = range(START_MS, START_MS + 60_000, 4_000)

    def prices(seed: int) -> list[str]:
        market = open_market(seed=seed)
        return [row_of(market, "BTCUSDT", now_ms)["lastPrice"] for now_ms in instants]

    assert prices(7) == prices(7)
    assert prices(7) != prices(8)


def test_which_symbols_there_are_does_not_depend_on_the_seed() -> None:
    assert open_market(seed=1).symbols(QUIET_WORLD) == open_market(seed=2).symbols(QUIET_WORLD)


def test_the_price_of_a_busy_symbol_moves_with_every_request() -> None:
    market = open_market()
    seen = [
        row_of(market, "BTCUSDT", now_ms)["lastPrice"] for now_ms in range(START_MS + 1000, START_MS + 41_000, 4_000)
    ]
    assert len(set(seen)) == len(seen)


def test_asking_twice_at_one_instant_gives_one_answer() -> None:
    market = open_market()
    assert row_of(market, "ETHUSDT", START_MS + 5_000) == row_of(market, "ETHUSDT", START_MS + 5_000)


def test_a_high_does_not_fall_and_a_low_does_not_rise_within_the_day() -> None:
    market = open_market()
    rows = [row_of(market, "SOLUSDT", START_MS + minute * 60_000) for minute in range(0, 600, 5)]
    highs, lows = [Decimal(r["highPrice"]) for r in rows], [Decimal(r["lowPrice"]) for r in rows]
    assert highs == sorted(highs)
    assert lows == sorted(lows, reverse=True)


def test_the_opening_price_moves_on_after_a_day() -> None:
    market = open_market()
    first = row_of(market, "BTCUSDT", START_MS)["openPrice"]
    for hour in range(1, 50):
        latest = row_of(market, "BTCUSDT", START_MS + hour * 3_600_000)
    assert latest["openPrice"] != first


def test_a_clock_that_goes_back_leaves_the_ticker_as_it_is() -> None:
    market = open_market()
    later = row_of(market, "BTCUSDT", START_MS + 60_000)
    assert row_of(market, "BTCUSDT", START_MS + 1_000) == later


def test_the_last_event_of_quiet_symbols_is_old_by_seconds_up_to_over_half_an_hour() -> None:
    market = open_market(1000)
    now_ms = START_MS + 500
    trading = [s for s in market.symbols(QUIET_WORLD) if market.status(s, QUIET_WORLD) == "TRADING"]
    lags_ms = [now_ms - row_of(market, symbol, now_ms)["closeTime"] for symbol in trading]
    assert max(lags_ms) > 1_800_000
    assert 0.1 < sum(lag > 4_000 for lag in lags_ms) / len(lags_ms) < 0.6
    assert sum(lag < 2_000 for lag in lags_ms) / len(lags_ms) > 0.4


def test_a_symbol_fresh_from_delisting_keeps_its_price_and_has_no_order_book() -> None:
    market = open_market()
    rows = [row_of(market, "XMRUSDT", START_MS + offset) for offset in (0, DAY_MS)]
    assert rows[0] == rows[1]
    assert Decimal(rows[0]["lastPrice"]) > 0
    assert (rows[0]["bidPrice"], rows[0]["askPrice"]) == ("0.00000000", "0.00000000")
    assert market.status("XMRUSDT", QUIET_WORLD) == "BREAK"


def test_a_symbol_long_delisted_is_all_zeros_without_a_trade() -> None:
    row = row_of(open_market(), "BUSDUSDT", START_MS)
    assert row["lastPrice"] == row["volume"] == "0.00000000"
    assert row["priceChangePercent"] == "0.000"
    assert (row["firstId"], row["lastId"], row["count"]) == (-1, -1, 0)


def test_a_still_market_moves_its_times_and_nothing_else() -> None:
    market = open_market(is_still=True)
    before, after = (row_of(market, "BTCUSDT", START_MS + offset) for offset in (0, 60_000))
    assert after["closeTime"] - before["closeTime"] == 60_000
    times = ("openTime", "closeTime")
    assert {k: v for k, v in before.items() if k not in times} == {k: v for k, v in after.items() if k not in times}


@pytest.mark.parametrize("count", [1, 8, 60, 3000])
def test_as_many_distinct_symbols_as_asked_for(count: int) -> None:
    symbols = [instrument.symbol for instrument in instruments(count)]
    assert len(symbols) == len(set(symbols)) == count


def test_the_usual_symbols_come_first_and_no_quote_is_usd() -> None:
    expected = {"BTCUSDT", "ETHUSDT", "SHIBUSDT", "DOGEUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "ADAUSDT"}
    assert {instrument.symbol for instrument in instruments(8)} == expected
    assert "USD" not in {instrument.quote for instrument in instruments(3000)}


def test_amounts_are_written_with_eight_decimals_and_ids_and_times_as_integers() -> None:
    market = open_market()
    for symbol in ("SHIBUSDT", "HOTBTC", "币安人生USDT"):
        row = row_of(market, symbol, START_MS + 10_000)
        assert tuple(row) == FULL_KEYS
        for key, value in row.items():
            if key in ("openTime", "closeTime", "firstId", "lastId", "count"):
                assert isinstance(value, int)
            elif key != "symbol":
                digits = value.partition(".")[2]
                assert len(digits) == (3 if key == "priceChangePercent" else 8), key
    assert len(FULL_KEYS) == 21
    assert row_of(market, "BTCIDRT", START_MS)["lastPrice"].endswith(".00")


def test_a_mini_row_has_no_change_and_no_order_book() -> None:
    ticker = open_market().ticker("BTCUSDT", START_MS, QUIET_WORLD)
    assert ticker is not None
    row = write_row(ticker, MINI_KEYS)
    assert not {"priceChange", "priceChangePercent", "bidPrice", "askPrice"} & row.keys()
    assert len(row) == 12


def test_a_crash_moves_the_price_and_leaves_the_row_consistent() -> None:
    market = open_market()
    before = row_of(market, "BTCUSDT", START_MS + 1_000)
    crashed = World(price_changes={"BTCUSDT": PriceChange(factor=0.2)})
    during = row_of(market, "BTCUSDT", START_MS + 1_000, crashed)
    assert Decimal(during["lastPrice"]) == pytest.approx(Decimal(before["lastPrice"]) / 5, rel=Decimal("1e-6"))
    assert during["lowPrice"] == during["lastPrice"]
    assert Decimal(during["priceChangePercent"]) < -70
    assert row_of(market, "BTCUSDT", START_MS + 1_000) == before


def test_a_halted_symbol_freezes_where_it_stood_and_goes_on_afterwards() -> None:
    market = open_market()
    before = row_of(market, "BTCUSDT", START_MS + 1_000)
    halted = World(states={"BTCUSDT": SymbolState("HALT", FROZEN)})
    during = row_of(market, "BTCUSDT", START_MS + 60_000, halted)
    assert (during["lastPrice"], during["closeTime"]) == (before["lastPrice"], before["closeTime"])
    assert during["bidPrice"] == "0.00000000"
    assert row_of(market, "BTCUSDT", START_MS + 61_000)["closeTime"] > before["closeTime"]


def test_a_clock_offset_shows_in_the_times_and_leaves_the_market_alone() -> None:
    market = open_market()
    ahead = row_of(market, "BTCUSDT", START_MS + 1_000, World(clock_offset_ms=3_600_000))
    honest = row_of(market, "BTCUSDT", START_MS + 1_000)
    assert ahead["closeTime"] - honest["closeTime"] == 3_600_000
    assert ahead["lastPrice"] == honest["lastPrice"]


def test_an_empty_market_has_no_symbols() -> None:
    market = Market(MarketSource((), (), ()), started_at_ms=START_MS, seed=1)
    assert market.symbols(QUIET_WORLD) == []
    assert market.ticker("BTCUSDT", START_MS, QUIET_WORLD) is None
