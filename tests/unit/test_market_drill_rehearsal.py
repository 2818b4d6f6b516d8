"""Drills against a service that is simulated in simulated time: an honest one, and ones that break a rule."""

from dataclasses import replace

import pytest

from exchange_simulator.drills.answers import NoAnswerError
from exchange_simulator.drills.drill import Drill, run_drills
from exchange_simulator.drills.exchange_drills import EXCHANGE_DRILLS
from exchange_simulator.drills.rehearsal import DrillFailedError, FaultsLeftOnError, Rehearsal
from exchange_simulator.drills.service import Prices, Snapshot
from tests.fakes import MovableClock

SYMBOLS = {"BTC/USD": "BTCUSDT", "BTC/USDT": "BTCUSDT", "ETH/USDT": "ETHUSDT"}
INTERVAL_SECONDS = 4
LIFE_MS = 15_000
DRILLS = {drill.name: drill for drill in EXCHANGE_DRILLS}
OUTCOMES = {"status": "unavailable", "dropped": "unavailable", "latency": "timeout", "geo_blocked": "blocked"}


class FakeExchange:
    faults_url = "http://simulator.test/_control/faults"

    def __init__(self):
        self.faults = []
        self.is_gone = False
        self.silence = 6.0

    def switch_on(self, fault):
        self.faults.append(fault)

    def switch_all_off(self):
        if self.is_gone:
            raise NoAnswerError("no answer")
        self.faults.clear()

    def longest_silence_after(self, status):
        return self.silence


class SimulatedService:
    """Fetches every four seconds. The attributes below make it break the rules that drills hold."""

    def __init__(self):
        self.clock = MovableClock()
        self.exchange = FakeExchange()
        self.error = "exchange.test answered 502"
        self.renews_old_prices = False
        self.loses_prices_at_once = False
        self.marks_old_prices = True
        self.comes_back = True
        self._has_failed = False
        self._cycles = 0
        self._outcomes = {}
        self._received_ms = dict.fromkeys(SYMBOLS, 0)
        self._run_cycles()

    def prices(self, pairs, max_stale_ms=0):
        self._run_cycles()
        now_ms = self.clock.now_ms()
        life_ms = 0 if self.loses_prices_at_once and self._outcomes else LIFE_MS
        records = {}
        for pair in pairs:
            age_ms = now_ms - self._received_ms[pair]
            mark = {"stale": True} if age_ms > life_ms and self.marks_old_prices else {}
            if age_ms <= life_ms + max_stale_ms:
                records[pair] = {"timestamp": self._received_ms[pair], "price": 100.0, **mark}
        status = 200 if len(records) == len(pairs) else 206 if records else 503
        return Prices(status, now_ms, records)

    def snapshot(self, pairs, at):
        prices = self.prices(pairs)
        exchange = {"bannedUntil": None}
        health = {
            "pairs": {"outcomes": dict(self._outcomes)},
            "aggregator": {"circuitBreaker": {"state": "closed"}, "exchange": exchange},
        }
        stats = {"fetchAttempts": self._cycles, "lastError": self.error if self._outcomes else None}
        return Snapshot(at, 0.01, prices, 200, health, {"fetcher": {"isRunning": True, "stats": stats}})

    def rehearse(self):
        clock = self.clock
        return Rehearsal(self, self.exchange, SYMBOLS, pids={}, monotonic=clock.monotonic, sleep=clock.sleep)

    def play(self, *drills):
        results = []
        run_drills(drills, self.rehearse, self.clock.monotonic, results.append)
        return results

    def _run_cycles(self):
        due = int(self.clock.monotonic() // INTERVAL_SECONDS)
        if due == self._cycles:
            return
        self._cycles = due
        kinds = [OUTCOMES[fault["kind"]] for fault in self.exchange.faults]
        is_failing = bool(kinds) or (self._has_failed and not self.comes_back)
        self._has_failed = self._has_failed or is_failing
        self._outcomes = dict.fromkeys(SYMBOLS, kinds[0] if kinds else "unavailable") if is_failing else {}
        if not is_failing or self.renews_old_prices:
            self._received_ms = dict.fromkeys(SYMBOLS, self.clock.now_ms())


@pytest.fixture
def service():
    return SimulatedService()


@pytest.mark.parametrize("name", ["outage-6s", "error-page", "outage-60s", "timeout"])
def test_an_honest_service_holds(service, name):
    service.error = "exchange.test answered 502"
    (result,) = service.play(DRILLS[name])

    assert (result.has_held, "fresh after" in result.seen) == (True, True), result.seen


@pytest.mark.parametrize(
    ("name", "broken", "seen"),
    [
        ("error-page", {"renews_old_prices": True}, "a newer price of BTC/USD"),
        ("error-page", {"loses_prices_at_once": True}, "prices answered"),
        ("error-page", {"comes_back": False}, "fresh prices after the fault: not within 30 s"),
        ("error-page", {"error": "answered 502 <html>"}, "<html>"),
        ("error-page", {"error": "no reason given"}, "no reason given"),
        ("geo-block", {"error": "answered 502"}, "answered 502"),
        ("outage-6s", {"loses_prices_at_once": True}, "prices answered"),
        ("outage-60s", {"renews_old_prices": True}, "503 once prices have expired: not within"),
        ("outage-60s", {"marks_old_prices": False}, "old prices without a mark"),
        ("outage-60s", {"comes_back": False}, "fresh prices after the fault: not within 30 s"),
    ],
)
def test_a_service_that_breaks_a_rule_fails_the_drill_that_holds_it(service, name, broken, seen):
    for attribute, value in broken.items():
        setattr(service, attribute, value)
    (result,) = service.play(DRILLS[name])

    assert not result.has_held
    assert seen in result.seen


def test_a_request_before_the_end_of_the_wait_fails_the_drill(service):
    service.exchange.silence = 5.9
    service.exchange.switch_on = lambda fault: setattr(service, "_outcomes", dict.fromkeys(SYMBOLS, "rate_limited"))
    (result,) = service.play(DRILLS["rate-limit"])

    assert (result.has_held, result.seen) == (False, "the next request came after 5.9 s")


def test_no_drill_begins_while_the_service_is_not_well(service):
    service.comes_back = False
    service.exchange.switch_on({"kind": "dropped"})
    service.clock.advance(INTERVAL_SECONDS)
    begun = []
    (result,) = service.play(Drill("any", "", "", begun.append))

    assert (begun, result.has_held) == ([], False)
    assert "before the drill" in result.seen


def break_off(error):
    def run(rehearsal):
        rehearsal.exchange.switch_on({"kind": "dropped"})
        raise error

    return Drill("broken off", "", "", run)


def test_a_drill_that_fails_leaves_no_fault_on_and_stops_no_other_one(service):
    results = service.play(break_off(DrillFailedError("not so")), DRILLS["error-page"])

    assert [(result.has_held, result.seen == "not so") for result in results] == [(False, True), (True, False)]
    assert service.exchange.faults == []


def test_ctrl_c_ends_everything_and_leaves_no_fault_on(service):
    with pytest.raises(KeyboardInterrupt):
        service.play(break_off(KeyboardInterrupt()), DRILLS["error-page"])

    assert service.exchange.faults == []


def test_faults_that_cannot_be_switched_off_end_everything_with_what_to_type(service):
    service.exchange.is_gone = True
    with pytest.raises(FaultsLeftOnError, match=r"curl -X DELETE http://simulator\.test/_control/faults"):
        service.play(break_off(DrillFailedError("not so")), DRILLS["error-page"])


def test_all_hold_only_if_each_held(service):
    ok = replace(DRILLS["error-page"], run=lambda rehearsal: "well")
    for drills, expected in (([ok], True), ([ok, break_off(DrillFailedError("no")), ok], False)):
        assert run_drills(drills, service.rehearse, service.clock.monotonic, lambda result: None) is expected
