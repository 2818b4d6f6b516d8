"""SIGTERM ends the fetcher within the request timeout of 4 s, whatever it waits for at that moment."""

import json
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.drills.conftest import TICKERS, Hall, open_hall
from tests.drills.recovery_times import RecoveryTimes
from tests.drills.reigns import ticker_requests
from tests.drills.tcp_proxy import TcpProxy
from tests.fetcher_process import LEASE_KEY, FetcherProcess
from tests.process_facts import wait_until

IN_TIME_SECONDS = 12.0  # as a busy machine counts them; what hangs here hangs for a minute
UNRESOLVED = "hanging.test"
# Python imports this module at its start: the resolver is not ours, and nothing else makes it hang on every machine.
HANGING_RESOLVER = f"""
import socket, sys, time
resolve = socket.getaddrinfo
def hang(host, *arguments, **options):
    if host == "{UNRESOLVED}":
        print("looking up {UNRESOLVED}", file=sys.stderr, flush=True)
        time.sleep(60)
    return resolve(host, *arguments, **options)
socket.getaddrinfo = hang
"""


@pytest.fixture(scope="module")
def shared_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    folder = tmp_path_factory.mktemp("hall")
    (folder / "sitecustomize.py").write_text(HANGING_RESOLVER)
    with open_hall(folder) as hall:
        hall.variables["PYTHONPATH"] = str(folder)
        hall.variables["MARKET_DATA_FETCH_INTERVAL_MS"] = "4000"
        yield hall


@pytest.fixture
def quiet_hall(shared_hall: Hall) -> Iterator[Hall]:
    """The hall without a fetcher, with nothing in the cache and no fault."""
    shared_hall.client.flushall()
    shared_hall.exchange.requests.clear()
    yield shared_hall
    shared_hall.exchange.faults.clear()
    for fetcher in shared_hall.fetchers:
        fetcher.end()


def stop(fetcher: FetcherProcess, recovery: RecoveryTimes, situation: str) -> float:
    """Send SIGTERM and return the seconds until the process has ended by itself, with 0 and without a traceback."""
    began = time.monotonic()
    fetcher.send(signal.SIGTERM)
    assert fetcher.wait() == 0
    seconds = time.monotonic() - began
    recovery.note(f"SIGTERM {situation}: until the process has ended", seconds)
    assert "Traceback" not in fetcher.log
    return seconds


def in_the_middle_of_a_cycle(hall: Hall) -> FetcherProcess:
    hall.exchange.faults.add("latency", seconds=1.5, path=TICKERS)
    fetcher = hall.start_fetcher()
    wait_until(lambda: any(asked.finished_monotonic is None for asked in ticker_requests(hall.exchange.requests)), "it")
    return fetcher


def in_backoff(hall: Hall) -> FetcherProcess:
    hall.exchange.faults.add("status", status=503, path=TICKERS)
    fetcher = hall.start_fetcher()
    wait_until(lambda: circuit(hall) == "open", "the open circuit")
    return fetcher


def circuit(hall: Hall) -> str:
    status = json.loads(hall.client.get("market_data_fetcher:status") or b'{"circuitBreaker":{"state":""}}')
    state: str = status["circuitBreaker"]["state"]
    return state


def while_the_exchange_hangs(hall: Hall) -> FetcherProcess:
    hall.exchange.faults.add("latency", seconds=60)
    fetcher = hall.start_fetcher()
    wait_until(lambda: hall.exchange.requests.total > 0, "the request that hangs")
    return fetcher


def while_the_exchange_s_name_is_looked_up(hall: Hall) -> FetcherProcess:
    fetcher = hall.start_fetcher(BINANCE_API_BASE_URL=f"http://{UNRESOLVED}:1")
    wait_until(lambda: UNRESOLVED in fetcher.log and hall.client.exists(LEASE_KEY) == 1, "the look-up that hangs")
    return fetcher


@pytest.mark.parametrize(
    "bring_about",
    [in_the_middle_of_a_cycle, in_backoff, while_the_exchange_hangs, while_the_exchange_s_name_is_looked_up],
)
def test_it_ends_in_time_and_the_lease_is_free(
    quiet_hall: Hall, recovery: RecoveryTimes, bring_about: Callable[[Hall], FetcherProcess]
) -> None:
    fetcher = bring_about(quiet_hall)

    assert stop(fetcher, recovery, bring_about.__name__.replace("_s_", "'s_").replace("_", " ")) < IN_TIME_SECONDS
    assert quiet_hall.client.exists(LEASE_KEY) == 0


def test_it_ends_in_time_while_redis_is_away(quiet_hall: Hall, recovery: RecoveryTimes) -> None:
    fetcher = quiet_hall.start_fetcher()
    wait_until(lambda: "active" in fetcher.log, "the first cycle")
    quiet_hall.cache.stop()
    try:
        wait_until(lambda: "no connection to Redis" in fetcher.log, "the fetcher's word")
        assert stop(fetcher, recovery, "while Redis is away") < IN_TIME_SECONDS
    finally:
        quiet_hall.cache.start()


def test_it_ends_in_time_while_redis_is_silent(quiet_hall: Hall, recovery: RecoveryTimes) -> None:
    with TcpProxy(quiet_hall.cache.port) as proxy:
        fetcher = quiet_hall.start_fetcher(REDIS_URL=f"redis://127.0.0.1:{proxy.port}/0")
        wait_until(lambda: "active" in fetcher.log, "the first cycle")
        proxy.is_silent = True
        wait_until(lambda: "did not answer in time" in fetcher.log, "the fetcher's word")
        assert stop(fetcher, recovery, "while Redis is silent") < IN_TIME_SECONDS


def test_it_ends_in_time_while_the_name_of_redis_is_looked_up(quiet_hall: Hall, recovery: RecoveryTimes) -> None:
    fetcher = quiet_hall.start_fetcher(REDIS_URL=f"redis://{UNRESOLVED}:6379/0")
    wait_until(lambda: UNRESOLVED in fetcher.log, "the look-up that hangs")

    assert stop(fetcher, recovery, "while the name of Redis is looked up") < IN_TIME_SECONDS
