"""The fetcher's loop in simulated time, with the real aggregator between a fake exchange and a fake cache."""

import json
from itertools import pairwise

import pytest

from market_data.fetcher.systemd import ServiceNotifier
from market_data.fetcher.wiring import build_fetcher, build_lease
from market_data.ticker.clock import Clock
from tests.fakes import ONE_HOST, FakeExchange, MemoryTickerCache, MovableClock, app_settings, at_once

INTERVAL_SECONDS = 4
PAIRS = ["BTC/USDT", "ETH/USDT"]


class Simulation:
    """One fetcher, the instants at which it asked for tickers, and everything around it under the test's control."""

    def __init__(self, clock=None, cache=None):
        self.clock = clock or MovableClock()
        self.began_at = self.clock.monotonic()
        self.settings = app_settings(TRADING_PAIRS=json.dumps(PAIRS), **ONE_HOST)
        self.exchange = FakeExchange(self.clock)
        self.cache = cache or MemoryTickerCache(self.clock)
        self.request_seconds = 0.2
        self.is_exchange_down = False
        self.asked_at = []
        self.exchange.reaction = self._react
        self.events = []
        self.end = 0.0
        self.is_told_to_stop = lambda: False
        clock = Clock(self.clock.monotonic, self.clock.now_ms, self._sleep)
        self.lease = build_lease(self.settings, self.cache, clock, start_renewing=lambda renew: None)
        self.fetcher = build_fetcher(
            self.settings,
            self.cache,
            clock=clock,
            chance=lambda: 0.0,
            should_stop=lambda: self.clock.monotonic() >= self.end or self.is_told_to_stop(),
            notifier=ServiceNotifier({}),
            lease=self.lease,
            http=self.exchange,
            start_request=at_once,
            start_listing=at_once,
        )

    def at(self, seconds, action):
        self.events = sorted([*self.events, (self.began_at + seconds, action)], key=lambda event: event[0])

    def run(self, seconds):
        self.end = self.began_at + seconds
        self.fetcher.run()
        return [round(instant - self.began_at, 3) for instant in self.asked_at]

    @property
    def stats(self):
        return self.cache.status.stats

    def pass_time(self, seconds):
        """Let time pass as it does for a process whose lease is renewed meanwhile."""
        while seconds > 0:
            self.clock.advance(min(seconds, 1.0))
            self.lease.keep()
            seconds -= 1.0

    def _sleep(self, seconds):
        self.pass_time(seconds)
        while self.events and self.events[0][0] <= self.clock.monotonic():
            self.events.pop(0)[1]()

    def _react(self, base_url, path):
        if "/exchangeInfo" in path:
            return self.exchange.usual(base_url, path)
        self.asked_at.append(self.clock.monotonic())
        self.pass_time(self.request_seconds)
        if self.is_exchange_down:
            return self.exchange.answer(b"<html>", 502)
        return self.exchange.usual(base_url, path)

    def switch(self, name, value):
        def action():
            setattr(self if hasattr(self, name) else self.cache, name, value)

        return action


def gaps(instants):
    return [round(later - earlier, 3) for earlier, later in pairwise(instants)]


@pytest.fixture
def simulation():
    return Simulation()


def test_cycles_start_at_a_fixed_rate_without_drift_however_long_a_request_takes(simulation):
    simulation.request_seconds = 0.777
    asked_at = simulation.run(4000)

    assert asked_at == [INTERVAL_SECONDS * number for number in range(1000)]


def test_after_a_long_cycle_the_next_starts_on_the_grid_and_nothing_is_caught_up(simulation):
    simulation.at(18, simulation.switch("request_seconds", 7.5))
    simulation.at(26, simulation.switch("request_seconds", 0.2))
    asked_at = simulation.run(50)

    assert asked_at == [0, 4, 8, 12, 16, 20, 28, 32, 36, 40, 44, 48]


def test_attempts_successes_and_the_last_fetch_are_told_to_everybody(simulation):
    simulation.run(40)

    assert (simulation.stats.fetch_attempts, simulation.stats.fetch_successes, simulation.stats.fetch_errors) == (
        10,
        10,
        0,
    )
    assert simulation.stats.last_fetch_duration_ms == 200
    heartbeats = [instant for instant, _ in simulation.cache.statuses]
    assert gaps(heartbeats) == [INTERVAL_SECONDS] * 9


def test_failures_make_cycles_rarer_up_to_the_cap_and_a_success_makes_them_usual_again(simulation):
    simulation.is_exchange_down = True
    simulation.at(300, simulation.switch("is_exchange_down", False))
    asked_at = simulation.run(400)

    down = [instant for instant in asked_at if instant < 300]
    assert gaps(down)[0] <= gaps(down)[3] <= gaps(down)[-1] <= 24.5
    back = [instant for instant in asked_at if instant >= 300]
    assert back[0] <= 330
    assert set(gaps(back)) == {INTERVAL_SECONDS}


def test_the_next_cycle_starts_when_the_report_says_it_will(simulation):
    simulation.is_exchange_down = True
    simulation.run(60)
    began_at_ms = simulation.clock.now_ms() - round(simulation.clock.monotonic() * 1000)
    backoffs = [status.backoff for _, status in simulation.cache.statuses]
    announced = [(backoff.next_cycle_at - began_at_ms) / 1000 for backoff in backoffs]

    assert [backoff.failures_in_a_row for backoff in backoffs] == list(range(1, len(backoffs) + 1))
    assert simulation.asked_at[1:] == pytest.approx(announced[: len(simulation.asked_at) - 1], abs=0.06)


def test_a_short_outage_costs_no_price_its_life(simulation):
    simulation.at(5, simulation.switch("is_exchange_down", True))
    simulation.at(11, simulation.switch("is_exchange_down", False))
    lives = []
    for second in range(1, 40):
        simulation.at(second, lambda: lives.append(len(simulation.cache.read(PAIRS).current)))
    simulation.run(40)

    assert set(lives) == {len(PAIRS)}
    assert simulation.stats.fetch_errors >= 1


@pytest.mark.parametrize("content", [[], {}, b""])
def test_a_cycle_that_brought_no_price_is_an_error_though_nothing_was_raised(simulation, content):
    simulation.exchange.reaction = lambda url, path: simulation.exchange.answer(content)
    simulation.run(3)

    assert (simulation.stats.fetch_attempts, simulation.stats.fetch_successes, simulation.stats.fetch_errors) == (
        1,
        0,
        1,
    )
    assert simulation.stats.last_error
    assert simulation.stats.last_fetch_time is None


def test_a_standby_asks_nothing_and_takes_over_when_the_lease_runs_out(simulation):
    simulation.cache.give_lease_to("another", 30.2)
    asked_at = simulation.run(40)

    assert 30.2 <= asked_at[0] <= 30.8
    assert set(gaps(asked_at)) == {INTERVAL_SECONDS}


def test_who_takes_over_goes_on_from_the_last_fetch_of_the_one_before(simulation):
    simulation.run(10)
    fetched_at = simulation.stats.last_fetch_time
    successor = Simulation(simulation.clock, simulation.cache)
    successor.is_exchange_down = True
    successor.run(3)

    assert successor.stats.last_fetch_time == fetched_at
    assert successor.stats.fetch_attempts == 1


def test_counts_begin_anew_where_another_fetcher_has_counted_and_go_on_where_none_has(simulation):
    simulation.run(9)
    simulation.run(13)
    assert simulation.stats.fetch_attempts == simulation.stats.fetch_successes == 4

    other = Simulation(simulation.clock, simulation.cache)
    other.run(1)
    fetched_at = other.stats.last_fetch_time
    simulation.is_exchange_down = True
    simulation.run(15)

    stats = simulation.stats
    assert (stats.fetch_attempts, stats.fetch_successes, stats.fetch_errors) == (1, 0, 1)
    assert stats.last_fetch_time == fetched_at


def test_who_takes_over_during_a_ban_keeps_to_it(simulation):
    simulation.exchange.reaction = lambda url, path: simulation.exchange.answer(b"", 418, retry_after="300")
    simulation.run(100)
    successor = Simulation(simulation.clock, simulation.cache)
    successor.run(400)

    ban_ends_at = simulation.began_at + 300
    assert ban_ends_at - 0.001 <= successor.asked_at[0] <= ban_ends_at + 24.1


def test_without_the_lease_there_is_no_cycle(simulation):
    simulation.at(9, lambda: simulation.cache.give_lease_to("another", 20))
    asked_at = simulation.run(40)

    assert asked_at[:3] == [0, 4, 8]
    assert 29 <= asked_at[3] <= 30


def test_while_redis_is_away_the_exchange_is_left_alone_and_one_cycle_after_its_return_prices_are_back(simulation):
    simulation.at(9, simulation.switch("is_away", True))
    simulation.at(60, simulation.switch("is_away", False))
    asked_at = simulation.run(80)

    assert not [instant for instant in asked_at if 9 < instant < 60]
    assert 60 <= asked_at[3] <= 60 + INTERVAL_SECONDS
    assert simulation.stats.last_error is None


def test_redis_away_at_the_start_is_logged_once_and_ends_with_its_return(simulation, caplog):
    simulation.cache.is_away = True
    simulation.at(30, simulation.switch("is_away", False))
    asked_at = simulation.run(40)

    assert 30 <= asked_at[0] <= 31
    assert sum("cache cannot be used" in message for message in caplog.messages) == 2


def test_a_report_that_cannot_be_written_for_many_cycles_is_one_incident(simulation, caplog):
    simulation.at(5, simulation.switch("refuses_status", True))
    simulation.at(30, simulation.switch("refuses_status", False))
    simulation.run(40)

    lines = [message for message in caplog.messages if "cache cannot be used" in message]
    assert ["over after" in line for line in lines] == [False, True]


def test_a_fetcher_that_is_told_to_stop_gives_its_lease_back(simulation):
    simulation.run(10)

    assert simulation.cache.lease_holder() is None


def test_a_fetcher_that_is_told_to_stop_during_a_long_wait_stops_at_once(simulation):
    simulation.is_exchange_down = True
    simulation.run(95)

    assert simulation.clock.monotonic() - simulation.began_at < 95.1


def run_once(simulation, seconds=60):
    simulation.end = simulation.began_at + seconds
    return simulation.fetcher.run_once()


def test_one_cycle_is_a_success_exactly_when_a_pair_is_fresh_afterwards(simulation):
    assert run_once(simulation)
    assert len(simulation.asked_at) == 1
    assert simulation.cache.lease_holder() is None

    failing = Simulation()
    failing.is_exchange_down = True
    assert not run_once(failing)


def test_one_cycle_beside_an_active_fetcher_asks_nothing_and_looks_at_the_cache(simulation):
    simulation.run(3)
    beside = Simulation(simulation.clock, simulation.cache)
    simulation.cache.give_lease_to("another", 600)

    assert not run_once(beside)
    assert beside.asked_at == []


def test_one_cycle_without_redis_is_no_success(simulation):
    simulation.cache.is_away = True

    assert not run_once(simulation)
    assert simulation.asked_at == []
