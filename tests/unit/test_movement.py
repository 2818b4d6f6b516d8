"""An exchange or a cache that stands still is told from quiet symbols."""

from types import SimpleNamespace

from market_data.aggregator.movement import STILL_AFTER_MS, Movement
from tests.conformance.spoken import NOW_MS, response
from tests.fakes import MovableClock

MINUTE_MS = 60_000


def row(symbol, price="1", volume="1", exchange_time_ms=None):
    return SimpleNamespace(symbol=symbol, price=price, volume=volume, exchange_time_ms=exchange_time_ms)


def test_rows_that_all_ended_six_hours_ago_stand_still():
    movement = Movement(MovableClock().monotonic)
    movement.note([row(name, exchange_time_ms=NOW_MS - 360 * MINUTE_MS) for name in "AB"], response([]))

    assert movement.still_since_ms == NOW_MS - 360 * MINUTE_MS


def test_one_quiet_symbol_among_live_ones_does_not():
    movement = Movement(MovableClock().monotonic)
    movement.note(
        [row("A", exchange_time_ms=NOW_MS - 360 * MINUTE_MS), row("B", exchange_time_ms=NOW_MS)], response([])
    )

    assert movement.still_since_ms is None


def test_the_quietest_symbol_of_a_live_market_alone_does_not():
    movement = Movement(MovableClock().monotonic)
    movement.note([row("A", exchange_time_ms=NOW_MS - 32 * MINUTE_MS)], response([]))

    assert movement.still_since_ms is None


def test_where_rows_tell_no_time_figures_that_never_change_stand_still_until_they_do():
    clock = MovableClock()
    movement = Movement(clock.monotonic)
    movement.note([row("A"), row("B")], response([]))
    clock.advance(STILL_AFTER_MS / 1000 + 1)
    movement.note([row("B"), row("A")], response([]))
    assert movement.still_since_ms is not None

    movement.note([row("A", price="2"), row("B")], response([]))
    assert movement.still_since_ms is None


def test_an_answer_about_fewer_symbols_is_no_movement():
    clock = MovableClock()
    movement = Movement(clock.monotonic)
    movement.note([row("A"), row("B")], response([]))
    clock.advance(STILL_AFTER_MS / 1000 + 1)
    movement.note([row("A")], response([]))

    assert movement.still_since_ms is not None
