"""Who delivers a pair while exchanges fail and come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.aggregator.routing import GOOD_SECONDS, Candidate, Routing

PAIR = "BTC/USD"
KRAKEN = Candidate("kraken", "BTC/USD", "USD")
BITSTAMP = Candidate("bitstamp", "BTC/USD", "USD")
ALIAS = Candidate("binance", "BTCUSDT", "USDT", is_alias=True)
ALL = (KRAKEN, BITSTAMP, ALIAS)
INTERVAL = 4.0


class Cycles:
    """Plays refresh cycles: `down` are the exchanges that fail; remembers who delivered in each."""

    def __init__(self, candidates=ALL):
        self.routing = Routing()
        self.candidates = candidates
        self.now = 1000.0
        self.delivered = []
        self.asked = []

    def play(self, seconds, down=(), incomplete=()):
        end = self.now + seconds
        while self.now < end:
            self.delivered.append(self._cycle(down, incomplete))
            self.now += INTERVAL

    def _cycle(self, down, incomplete):
        pending = list(self.routing.to_ask(PAIR, self.candidates, self.now))
        asked, writer = [], None
        while pending:
            candidate = pending.pop(0)
            if candidate not in asked:  # its answer of this cycle is known otherwise
                asked.append(candidate)
            if candidate.exchange in down or candidate.exchange in incomplete:
                is_loss = candidate.exchange in down
                other = self.routing.has_failed(PAIR, candidate, self.candidates, self.now, is_loss=is_loss)
                pending += [other] if other else []
            elif self.routing.has_price(PAIR, candidate, self.candidates, self.now):
                writer = candidate.exchange
        self.asked.append([candidate.exchange for candidate in asked])
        return writer

    @property
    def changes(self):
        return sum(before != after for before, after in zip(self.delivered, self.delivered[1:], strict=False))


def test_the_first_that_lists_the_pair_delivers_it_and_no_other_is_asked():
    cycles = Cycles()
    cycles.play(60)

    assert set(cycles.delivered) == {"kraken"}
    assert cycles.asked == [["kraken"]] * 15


def test_another_delivers_in_the_same_cycle_in_which_the_first_fails():
    cycles = Cycles()
    cycles.play(8)
    cycles.play(4, down={"kraken"})

    assert cycles.delivered[-1] == "bitstamp"


def test_where_all_exchanges_fail_that_list_it_the_alias_delivers():
    cycles = Cycles()
    cycles.play(8, down={"kraken", "bitstamp"})

    assert cycles.delivered == ["binance", "binance"]


def test_the_first_gets_its_pair_back_after_a_good_minute_and_not_before():
    cycles = Cycles()
    cycles.play(40, down={"kraken"})
    cycles.play(GOOD_SECONDS)
    assert set(cycles.delivered) == {"bitstamp"}

    cycles.play(8)
    assert cycles.delivered[-1] == "kraken"
    assert cycles.asked[-1] == ["kraken"]


def test_after_each_loss_within_an_hour_it_has_to_be_good_for_twice_as_long():
    cycles = Cycles()
    for _ in range(3):
        cycles.play(4, down={"kraken"})
        cycles.play(GOOD_SECONDS + 4)
    assert cycles.delivered[-1] == "bitstamp"

    cycles.play(4 * GOOD_SECONDS)
    assert cycles.delivered[-1] == "kraken"


def test_changes_are_few_however_an_exchange_fails_and_comes_back():
    cycles = Cycles()
    for _ in range(30):
        cycles.play(60, down={"kraken"})
        cycles.play(68)

    hours = 30 * 128 / 3600
    assert cycles.changes <= 12 * hours


def test_a_stand_by_that_fails_gives_way_at_once_to_the_first_if_that_is_good():
    cycles = Cycles()
    cycles.play(8, down={"kraken"})
    cycles.play(8)
    cycles.play(4, down={"bitstamp"})

    assert cycles.delivered[-1] == "kraken"


def test_an_exchange_that_has_yet_to_become_complete_need_not_prove_itself():
    cycles = Cycles()
    cycles.play(8, incomplete={"kraken"})
    assert set(cycles.delivered) == {"bitstamp"}

    cycles.play(4)
    assert cycles.delivered[-1] == "kraken"


def test_a_market_that_halts_and_opens_again_is_on_trial_first():
    cycles = Cycles()
    cycles.play(8)
    cycles.candidates = (BITSTAMP, ALIAS)
    cycles.play(8)
    assert cycles.delivered[-1] == "bitstamp"

    cycles.candidates = ALL
    cycles.play(GOOD_SECONDS)
    assert cycles.delivered[-1] == "bitstamp"
    cycles.play(8)
    assert cycles.delivered[-1] == "kraken"


def test_after_an_outage_of_all_the_first_that_answers_delivers_at_once():
    cycles = Cycles()
    cycles.play(120, down={"kraken", "bitstamp", "binance"})
    assert set(cycles.delivered) == {None}

    cycles.play(4, down={"bitstamp", "binance"})
    assert cycles.delivered[-1] == "kraken"


@given(st.lists(st.sets(st.sampled_from(["kraken", "bitstamp", "binance"])), min_size=1, max_size=60))
def test_whoever_fails_a_pair_has_a_price_as_long_as_one_of_those_that_are_asked_is_good(outages):
    cycles = Cycles()
    for down in outages:
        cycles.play(INTERVAL, down=down)
        is_one_good = any(name not in down for name in cycles.asked[-1])
        assert (cycles.delivered[-1] is not None) == is_one_good


@pytest.mark.parametrize("down", [{"kraken"}, {"kraken", "bitstamp"}])
def test_a_lasting_outage_costs_one_change_and_one_request_each_a_cycle(down):
    cycles = Cycles()
    cycles.play(4)
    cycles.play(3600, down=down)

    assert cycles.changes == 1
    assert all(len(asked) == len(set(asked)) for asked in cycles.asked)
