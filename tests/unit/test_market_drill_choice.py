import pytest
from django.core.management.base import CommandError

from exchange_simulator.management.commands.market_drill import DRILLS, choose_drills

LONG = {name for name, drill in DRILLS.items() if drill.is_long}
OF_PROCESSES = {name for name, drill in DRILLS.items() if drill.needs_process}


def names_of(*names, is_all=False, with_processes=False):
    return {drill.name for drill in choose_drills(names, is_all=is_all, with_processes=with_processes)}


def test_without_names_the_short_ones_are_played_and_no_process_is_touched():
    assert names_of() == set(DRILLS) - LONG - OF_PROCESSES


def test_all_adds_the_long_ones_and_with_processes_those_of_processes():
    assert names_of(is_all=True) == set(DRILLS) - OF_PROCESSES
    assert names_of(with_processes=True) == set(DRILLS) - LONG
    assert names_of(is_all=True, with_processes=True) == set(DRILLS)


def test_named_ones_are_played_and_no_other():
    assert names_of("ban", "outage-60s") == {"ban", "outage-60s"}


def test_a_name_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(CommandError, match=r"no drill earthquake; there are .*outage-6s"):
        names_of("ban", "earthquake")


def test_a_process_is_paused_only_where_that_was_asked_for():
    with pytest.raises(CommandError, match="add --with-processes"):
        names_of("paused-cache")
    assert names_of("paused-cache", with_processes=True) == {"paused-cache"}
