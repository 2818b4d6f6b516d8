from decimal import Decimal

from market_data.aggregator.latest_records import LatestRecords
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import TickerRecord


def record(pair, received_at_ms):
    one = Decimal(1)
    return TickerRecord(pair, one, one, received_at_ms, one, one, one)


def test_the_last_record_of_a_pair_counts_whatever_the_clock_said():
    latest = LatestRecords()
    latest.put([record("BTC/USD", 9000), record("ETH/USD", 3000)])
    latest.put([record("BTC/USD", 2000)])

    assert [latest.get(pair).received_at_ms for pair in ("BTC/USD", "ETH/USD")] == [2000, 3000]
    assert latest.get("XYZ/USD") is None


def test_symbols_that_went_without_an_answer_come_first_and_the_others_keep_their_order():
    latest = LatestRecords()
    latest.note_answers({"C": PairOutcome.OK}, 6)
    latest.note_answers({"B": PairOutcome.OK, "A": PairOutcome.OK}, 7)

    assert latest.longest_waiting_first(["B", "A", "C", "NEW"]) == ["NEW", "C", "B", "A"]


def test_a_symbol_that_waits_its_turn_keeps_its_last_outcome_for_three_cycles():
    latest = LatestRecords()
    latest.note_answers({"A": PairOutcome.REJECTED}, 6)

    assert [latest.outcome_while_waiting("A", cycle) for cycle in (7, 8, 9, 10)] == [PairOutcome.REJECTED] * 3 + [None]
    assert latest.outcome_while_waiting("NEW", 7) is None
