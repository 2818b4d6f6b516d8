import logging

from market_data.logs.incidents import IncidentLog
from tests.fakes import MovableClock


def test_incidents_of_different_kinds_do_not_end_one_another(caplog):
    clock = MovableClock()
    log = IncidentLog(logging.getLogger("market_data.test"), clock.monotonic)
    with caplog.at_level(logging.WARNING):
        log.began("fetching failed", "no answer")
        log.began("the cache is away", "no connection")
        clock.advance(3)
        log.over("the cache is away")
        log.over("the cache is away")
        clock.advance(3)
        log.over("fetching failed")

    assert len(caplog.messages) == 4
    assert "6.0 s" in caplog.messages[-1]
