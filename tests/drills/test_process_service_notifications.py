"""What the fetcher tells systemd, read from a real notify socket, whatever happens around the process."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.conftest import TICKERS, Hall
from tests.drills.test_process_stop import HANGING_RESOLVER, UNRESOLVED
from tests.fetcher_process import LEASE_KEY, REPOSITORY, FetcherProcess
from tests.notify_socket import NotifySocket
from tests.process_facts import wait_until


@pytest.fixture
def service_manager() -> Iterator[NotifySocket]:
    listener = NotifySocket()
    yield listener
    listener.close()


def attempts(hall: Hall) -> int:
    status = json.loads(hall.client.get("market_data_fetcher:status") or b'{"stats":{"fetchAttempts":0}}')
    number: int = status["stats"]["fetchAttempts"]
    return number


def start_ready(hall: Hall, service_manager: NotifySocket, **variables: str) -> FetcherProcess:
    fetcher = hall.start_fetcher(NOTIFY_SOCKET=service_manager.name, **variables)
    wait_until(lambda: "READY=1" in service_manager.said, "the word that it is ready")
    return fetcher


def wait_for_beats(service_manager: NotifySocket, number: int) -> None:
    before = service_manager.beats
    wait_until(lambda: service_manager.beats >= before + number, f"{number} beats for the watchdog", 60)


def test_it_is_ready_once_its_first_cycle_has_ended(hall: Hall, tmp_path: Path) -> None:
    hall.exchange.faults.add("latency", seconds=0.8, path=TICKERS)
    by_path = NotifySocket(tmp_path)

    start_ready(hall, by_path)

    assert attempts(hall) == 1
    assert hall.client.exists("market_data:BTC/USDT") == 1
    assert by_path.status == "pairs fresh: 2/2; circuit: closed; lease: held"
    by_path.close()


def test_it_is_ready_as_a_standby_and_every_look_at_the_lease_feeds_the_watchdog(
    hall: Hall, service_manager: NotifySocket
) -> None:
    active = hall.start_fetcher()
    wait_until(lambda: active.holds_lease(hall.client), "the lease")

    start_ready(hall, service_manager)

    assert service_manager.status == "standing by: another fetcher is active; lease: not held"
    wait_for_beats(service_manager, 3)
    active.send(signal.SIGTERM)
    wait_until(lambda: service_manager.status.startswith("pairs fresh: 2/2"), "the first cycle after the change-over")
    assert service_manager.said.count("READY=1") == 1


def test_an_outage_of_the_exchange_is_told_and_feeds_the_watchdog_all_the_same(
    hall: Hall, service_manager: NotifySocket
) -> None:
    start_ready(hall, service_manager)
    hall.exchange.faults.add("status", status=503, path=TICKERS)

    wait_until(lambda: "circuit: open" in service_manager.status, "the open circuit", 60)

    assert service_manager.status.startswith("pairs fresh: 0/2; circuit: open; lease: held; last error: ")
    wait_for_beats(service_manager, 1)


def test_an_exchange_that_is_away_at_the_start_does_not_keep_it_from_being_ready(
    hall: Hall, service_manager: NotifySocket
) -> None:
    hall.exchange.faults.add("status", status=503, body="html")

    start_ready(hall, service_manager)

    assert service_manager.status.startswith("pairs fresh: 0/2; ")


def test_while_redis_is_away_at_the_start_the_time_out_is_prolonged_and_then_it_is_ready(
    hall: Hall, service_manager: NotifySocket
) -> None:
    hall.cache.stop()
    hall.start_fetcher(NOTIFY_SOCKET=service_manager.name, WATCHDOG_USEC="7000000")

    wait_until(lambda: service_manager.said.count("EXTEND_TIMEOUT_USEC=7000000") >= 3, "the wish for more time")
    assert service_manager.status == "waiting for Redis, which does not answer; lease: not held"
    assert not {"READY=1", "WATCHDOG=1"} & set(service_manager.said)
    hall.cache.start()
    wait_until(lambda: "READY=1" in service_manager.said, "the word that it is ready")


def test_an_outage_of_redis_does_not_starve_the_watchdog(hall: Hall, service_manager: NotifySocket) -> None:
    start_ready(hall, service_manager)
    hall.cache.stop()

    wait_until(lambda: "waiting for Redis" in service_manager.status, "the word about Redis", 60)
    wait_for_beats(service_manager, 3)
    hall.cache.start()
    wait_until(lambda: service_manager.status.startswith("pairs fresh: 2/2"), "a cycle after the outage", 60)


def test_a_stopped_process_starves_the_watchdog(hall: Hall, service_manager: NotifySocket) -> None:
    fetcher = start_ready(hall, service_manager)
    fetcher.send(signal.SIGSTOP)
    before = service_manager.beats

    wait_until(lambda: hall.client.exists(LEASE_KEY) == 0, "the end of the lease, longer than an interval")

    assert service_manager.beats - before <= 1  # what was on its way
    fetcher.send(signal.SIGCONT)
    wait_for_beats(service_manager, 1)


def test_a_loop_that_hangs_in_a_process_that_lives_starves_the_watchdog(
    hall: Hall, service_manager: NotifySocket, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HANGING_RESOLVER)
    variables = {"PYTHONPATH": str(tmp_path), "REDIS_URL": f"redis://{UNRESOLVED}:6379/0"}
    hung = hall.start_fetcher(NOTIFY_SOCKET=service_manager.name, **variables)
    healthy = NotifySocket(tmp_path)
    wait_until(lambda: UNRESOLVED in hung.log, "the look-up that hangs")

    start_ready(hall, healthy)
    wait_for_beats(healthy, 2)

    assert service_manager.said == []
    hung.send(signal.SIGTERM)
    assert hung.wait() == 0
    assert service_manager.said == ["STOPPING=1", "STATUS=stopping"], "told although the loop hangs"
    healthy.close()


def test_it_says_that_it_stops_before_it_ends_and_nothing_after(hall: Hall, service_manager: NotifySocket) -> None:
    fetcher = start_ready(hall, service_manager)

    fetcher.send(signal.SIGTERM)

    assert fetcher.wait() == 0
    assert service_manager.said[-2:] == ["STOPPING=1", "STATUS=stopping"]
    assert service_manager.said.count("STOPPING=1") == 1


def test_a_service_manager_that_does_not_read_or_has_gone_is_not_waited_for(hall: Hall, tmp_path: Path) -> None:
    deaf = NotifySocket(tmp_path)
    standby = hall.start_fetcher()
    wait_until(lambda: standby.holds_lease(hall.client), "the lease")
    hall.start_fetcher(NOTIFY_SOCKET=deaf.name)  # two words a second, and a queue of ten
    hall.start_fetcher(NOTIFY_SOCKET=str(tmp_path / "nobody"))
    standby.send(signal.SIGTERM)

    before = attempts(hall)
    wait_until(lambda: attempts(hall) >= before + 4, "four more cycles")

    assert "Traceback" not in "".join(fetcher.log for fetcher in hall.fetchers)
    deaf.close()


def test_the_watchdog_s_signal_leaves_a_traceback_of_every_thread_in_the_log(
    hall: Hall, service_manager: NotifySocket
) -> None:
    unit = (REPOSITORY / "deploy" / "systemd" / "nexusmeme-fetcher@.service").read_text(encoding="utf-8")
    given = dict(word.split("=") for word in unit.partition("\nEnvironment=")[2].partition("\n")[0].split())
    fetcher = start_ready(hall, service_manager, **given)

    fetcher.send(signal.SIGABRT)

    assert fetcher.wait() == -signal.SIGABRT
    assert "run_until_stopped" in fetcher.log
    assert "_run_active" in fetcher.log
