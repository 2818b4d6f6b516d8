"""No room for the log, nobody who reads it, few descriptors: the fetcher carries on and does not spin."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from development.loopback import answers_http, free_port
from tests.drills.conftest import TICKERS, Hall
from tests.drills.recovery_times import RecoveryTimes
from tests.fetcher_process import REPOSITORY, FetcherProcess
from tests.process_facts import wait_until

CPU_SECONDS = 1.0
"""Some four seconds pass by the clock; a busy loop would take all of them."""
MOST_DESCRIPTORS = 64
HEALTH = "/api/market-data/health"


def cpu_seconds(pid: int) -> float:
    """Return what a process and those that it started have used of the processors."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in family)


def last_error(hall: Hall) -> str | None:
    error: str | None = hall.get("init").content["fetcher"]["stats"]["lastError"]
    return error


def assert_it_carries_on(hall: Hall, fetcher: FetcherProcess, recovery: RecoveryTimes, what: str) -> None:
    """Let an outage of the exchange begin and end, which is worth lines of a log, and then end the fetcher."""
    hall.wait_for_prices()
    used_before = cpu_seconds(fetcher.process.pid)
    with hall.exchange.faults.active("status", status=503, path=TICKERS):
        wait_until(lambda: last_error(hall) is not None, "a cycle that fails")
    with recovery.measured(f"{what}, and the exchange fails: until a new price"):
        wait_until(lambda: last_error(hall) is None, "a cycle that succeeds")
        wait_until(lambda: min(hall.ages_ms().values()) < 1_000, "a new price")
    used = cpu_seconds(fetcher.process.pid) - used_before

    assert used < CPU_SECONDS
    fetcher.send(signal.SIGTERM)
    assert fetcher.wait(5) == 0


def test_a_full_disk_under_the_log_costs_the_log_alone(hall: Hall, recovery: RecoveryTimes) -> None:
    hall.start_web()
    hall.fetchers.append(FetcherProcess({"REDIS_URL": hall.cache.url, **hall.variables}, Path("/dev/full")))

    assert_it_carries_on(hall, hall.fetchers[0], recovery, "disk full under the log")


def test_a_log_that_nobody_reads_any_more_costs_the_log_alone(
    hall: Hall, recovery: RecoveryTimes, tmp_path: Path
) -> None:
    hall.start_web()
    pipe = tmp_path / "log"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    hall.fetchers.append(FetcherProcess({"REDIS_URL": hall.cache.url, **hall.variables}, pipe))
    os.close(reader)

    assert_it_carries_on(hall, hall.fetchers[0], recovery, "log pipe closed")


def test_a_limit_of_sixty_four_descriptors_is_enough(hall: Hall, recovery: RecoveryTimes, tmp_path: Path) -> None:
    hall.variables["TRADING_PAIRS"] = ",".join(f"SIM{number:04}/USDT" for number in range(1, 101))
    hall.variables["MARKET_DATA_MAX_CONCURRENT_BATCHES"] = "10"
    hall.start_web()
    launcher = ("prlimit", f"--nofile={MOST_DESCRIPTORS}")
    variables = {"REDIS_URL": hall.cache.url, **hall.variables}
    hall.fetchers.append(FetcherProcess(variables, tmp_path / "log", launcher=launcher))

    assert_it_carries_on(hall, hall.fetchers[0], recovery, "64 file descriptors")
    assert "Traceback" not in hall.fetchers[0].log


@contextmanager
def limited_web_server(hall: Hall, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the web server as operators start it, with few descriptors."""
    command = ["prlimit", f"--nofile={MOST_DESCRIPTORS}", "deploy/web-server", "--host", "127.0.0.1"]
    given = {"REDIS_URL": hall.cache.url, "DEBUG": "true", "WEB_WORKERS": "1", "PYTHON": sys.executable}
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **given},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def test_more_readers_than_descriptors_wait_and_the_web_server_does_not_spin(
    hall: Hall, recovery: RecoveryTimes
) -> None:
    hall.start_fetcher()
    port = free_port()
    with limited_web_server(hall, port) as server:
        wait_until(lambda: answers_http(port, HEALTH, 1), "the first answer")
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(2 * MOST_DESCRIPTORS)]
        used_before = cpu_seconds(server.pid)
        asked = hall.exchange.requests.count(TICKERS)
        wait_until(lambda: hall.exchange.requests.count(TICKERS) >= asked + 2, "two cycles, some seconds")
        used = cpu_seconds(server.pid) - used_before
        for connection in idle:
            connection.close()

        assert used < CPU_SECONDS
        with recovery.measured("more readers than descriptors, who then leave: until the web server answers"):
            wait_until(lambda: answers_http(port, HEALTH, 1), "an answer once there is room", 5)
        assert server.poll() is None
