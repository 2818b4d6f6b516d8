"""What several threads share within the aggregator: the runner of batches, flights, the latest records."""

import threading
from decimal import Decimal

import pytest

from market_data.aggregator.batch_runner import run_until
from market_data.aggregator.flights import Flights, SymbolResult
from market_data.aggregator.latest_records import LatestRecords
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import TickerRecord
from tests.fakes import MovableClock

PATIENCE_SECONDS = 10


def run(jobs, *, max_concurrent=3, deadline=1e9, clock=None, should_stop=lambda: False):
    run_until(
        jobs,
        max_concurrent=max_concurrent,
        deadline=deadline,
        monotonic=(clock or MovableClock()).monotonic,
        should_stop=should_stop,
    )


def test_every_job_is_done_before_the_run_returns():
    done = []
    run([lambda number=number: done.append(number) for number in range(50)])

    assert sorted(done) == list(range(50))


def test_as_many_jobs_as_allowed_run_at_once_and_never_more():
    together = threading.Barrier(3)
    lock, under_way, most = threading.Lock(), 0, 0

    def job():
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait(PATIENCE_SECONDS)
        with lock:
            under_way -= 1

    run([job] * 12)

    assert most == 3


def test_after_the_deadline_no_further_job_begins():
    clock = MovableClock()
    done = []

    def job():
        done.append(clock.monotonic())
        clock.advance(1)
        may_end.wait(PATIENCE_SECONDS if len(done) == 2 else 0)

    may_end = threading.Event()
    run([job] * 10, max_concurrent=1, deadline=clock.monotonic() + 2, clock=clock)
    may_end.set()

    assert len(done) == 2


def test_a_run_that_is_told_to_stop_does_not_wait_for_a_job_that_hangs():
    has_begun, may_end = threading.Event(), threading.Event()

    def hangs():
        has_begun.set()
        may_end.wait(PATIENCE_SECONDS)

    run([hangs], should_stop=has_begun.is_set)
    assert not may_end.is_set()
    may_end.set()


def test_what_a_job_raises_is_raised_to_the_caller():
    def fails():
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        run([fails, lambda: None])


def test_of_two_who_want_a_symbol_at_once_one_fetches_and_both_have_the_result():
    flights = Flights()
    own, joined = flights.claim(["BTCUSDT", "ETHUSDT"])
    assert (list(own), dict(joined)) == (["BTCUSDT", "ETHUSDT"], {})

    others, joined = flights.claim(["ETHUSDT", "BNBUSDT"])
    assert list(others) == ["BNBUSDT"]
    result = SymbolResult(PairOutcome.REJECTED)
    flights.land(own["ETHUSDT"], result)
    assert Flights.join(joined.values(), PATIENCE_SECONDS, lambda: 0.0) == {"ETHUSDT": result}


def test_a_symbol_that_has_landed_is_fetched_anew():
    flights = Flights()
    own, _ = flights.claim(["BTCUSDT"])
    flights.land(own["BTCUSDT"], SymbolResult(PairOutcome.OK))

    assert list(flights.claim(["BTCUSDT"])[0]) == ["BTCUSDT"]


def test_an_old_flight_s_late_end_does_not_end_the_next_one():
    flights = Flights()
    old, _ = flights.claim(["BTCUSDT"])
    flights.land(old["BTCUSDT"], SymbolResult(PairOutcome.TIMEOUT))
    flights.claim(["BTCUSDT"])
    flights.land(old["BTCUSDT"], SymbolResult(PairOutcome.OK))

    own, joined = flights.claim(["BTCUSDT"])
    assert (list(own), list(joined)) == ([], ["BTCUSDT"])


def test_who_waits_in_vain_for_another_s_result_has_a_timeout():
    flights = Flights()
    flights.claim(["BTCUSDT"])
    _, joined = flights.claim(["BTCUSDT"])

    assert Flights.join(joined.values(), 0.0, lambda: 0.0)["BTCUSDT"].outcome is PairOutcome.TIMEOUT


def record(pair, received_at_ms):
    one = Decimal(1)
    return TickerRecord(pair, one, one, received_at_ms, one, one, one)


def test_a_late_answer_never_replaces_one_of_a_later_cycle_whatever_the_clock_said():
    latest = LatestRecords()
    latest.put([record("BTC/USD", 2000), record("ETH/USD", 3000)], cycle=2)
    latest.put([record("BTC/USD", 9000)], cycle=1)
    latest.put([record("ETH/USD", 1000)], cycle=3)

    assert [latest.get(pair).received_at_ms for pair in ("BTC/USD", "ETH/USD")] == [2000, 1000]
    assert latest.get("XYZ/USD") is None


def test_symbols_that_went_without_an_answer_come_first_and_the_others_keep_their_order():
    latest = LatestRecords()
    for symbol, cycle in (("B", 7), ("A", 7), ("C", 6)):
        latest.note_answer(symbol, cycle, PairOutcome.OK)

    assert list(latest.longest_waiting_first(["B", "A", "C", "NEW"])) == ["NEW", "C", "B", "A"]
