import pytest

from exchange_simulator.drills.drill import Drill, Result
from exchange_simulator.drills.table import drill_list, table_head, table_row
from exchange_simulator.management.commands.market_drill import DRILLS

WIDTH = 80


def result(drill, seen="as expected", has_held=True):
    return Result(drill, seen, 123.46, has_held)


@pytest.mark.parametrize("drill", DRILLS.values(), ids=DRILLS)
def test_every_drill_fits_a_terminal_of_80_columns(drill: Drill) -> None:
    long = "http://127.0.0.1:12345/api/market-data/health gives no answer (ConnectionError) " * 3
    lines = [*table_head().splitlines(), *table_row(result(drill, long, has_held=False)).splitlines()]

    assert max(map(len, lines)) <= WIDTH
    assert drill.name in lines[2]


def test_the_list_of_drills_fits_too_and_has_them_all() -> None:
    lines = drill_list(list(DRILLS.values())).splitlines()

    assert max(map(len, lines)) <= WIDTH
    assert {line.split()[0] for line in lines if not line.startswith((" ", "-", "drill "))} == set(DRILLS)


def test_a_row_says_what_was_expected_what_was_seen_how_long_it_took_and_whether_it_held() -> None:
    drill = Drill("storm", "wind", "calm again", lambda rehearsal: "")

    assert table_row(result(drill)).split() == ["storm", "calm", "again", "as", "expected", "123.5", "ok"]
    assert table_row(result(drill, has_held=False)).endswith("FAILED")


def test_no_word_of_a_long_text_is_lost() -> None:
    drill = Drill("storm", "wind", "calm " * 20, lambda rehearsal: "")

    assert table_row(result(drill)).split().count("calm") == 20
