"""`manage.py market_drill` against a real demo stack."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from exchange_simulator.drills.exchange import ControlledExchange
from exchange_simulator.drills.running_stacks import find_running_stacks
from tests.process_facts import descendants, wait_until, wait_until_gone
from tests.stack_process import PROJECT, RUN_FOLDER, STACK, RunningStack, running_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A demo stack that fetches as often as the settings allow, with prices to lose."""
    folder = tmp_path_factory.mktemp("stack")
    with running_stack(folder, STACK, EXCHANGE="simulator", MARKET_DATA_FETCH_INTERVAL_MS="2000") as stack:
        wait_until(lambda: stack.get("/api/market-data/prices")[0] == 200, "the first prices")
        yield stack


@pytest.fixture
def exchange(stack: RunningStack) -> ControlledExchange:
    return ControlledExchange(json.loads(stack.file.read_text())["exchange_simulator"])


def start_drill(stack: RunningStack, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", "market_drill", "--web", f"http://127.0.0.1:{stack.port}", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, "DEBUG": "true"}, stdout=pipe, stderr=pipe, text=True
    )


def health(stack: RunningStack) -> Any:
    return json.loads(stack.get("/api/market-data/health")[2])


def test_the_drills_that_were_chosen_hold_and_every_fault_is_off_afterwards(
    stack: RunningStack, exchange: ControlledExchange
) -> None:
    output, errors = start_drill(
        stack, "error-page", "missing-row", "paused-fetcher", "paused-cache", "--with-processes"
    ).communicate(timeout=150)

    lines = output.splitlines()
    rows = [line for line in lines if line.endswith(("ok", "FAILED"))]
    assert [row.split()[0] for row in rows] == ["error-page", "missing-row", "paused-fetcher", "paused-cache"]
    assert all(row.endswith("  ok") for row in rows), output
    assert errors == ""
    assert max(map(len, lines[lines.index("") :])) <= 80
    assert exchange.faults() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_drill_that_is_interrupted_switches_its_faults_off(
    stack: RunningStack, exchange: ControlledExchange, number: signal.Signals
) -> None:
    drill = start_drill(stack, "outage-60s")
    # A drill waits for the end of what others have left
    wait_until(lambda: bool(exchange.faults()), "the drill's fault", 90)
    drill.send_signal(number)
    _, errors = drill.communicate(timeout=20)

    assert (drill.returncode, exchange.faults()) == (130, [])
    assert "Interrupted; the faults are switched off." in errors


def test_a_drill_that_is_interrupted_lets_the_process_that_it_paused_go_on(stack: RunningStack) -> None:
    cache = stack.process_with("valkey")
    # A drill waits for the end of what others have left; that is no part of this one
    wait_until(lambda: health(stack)["aggregator"]["backoff"]["failuresInARow"] == 0, "the end of the backoff", 90)
    drill = start_drill(stack, "paused-cache", "--with-processes")
    wait_until(lambda: cache.status() == psutil.STATUS_STOPPED or drill.poll() is not None, "the cache's pause", 90)
    assert drill.poll() is None, drill.communicate()
    drill.send_signal(signal.SIGINT)
    drill.communicate(timeout=20)

    assert drill.returncode == 130
    assert cache.status() != psutil.STATUS_STOPPED


def test_no_drill_is_played_over_faults_that_somebody_else_switched_on(
    stack: RunningStack, exchange: ControlledExchange
) -> None:
    exchange.switch_on({"kind": "latency", "seconds": 0.01})
    try:
        drill = start_drill(stack, "error-page")
        _, errors = drill.communicate(timeout=20)
        assert (drill.returncode, len(exchange.faults())) == (1, 1)
    finally:
        exchange.switch_all_off()
    assert "Faults are on already" in errors


def test_the_terminal_says_how_to_rehearse_an_outage(stack: RunningStack) -> None:
    assert f"manage.py market_drill --web http://127.0.0.1:{stack.port} " in stack.terminal


def test_breaker_backoff_and_lease_are_told_in_health_and_each_change_in_one_line_of_the_log(
    stack: RunningStack, exchange: ControlledExchange
) -> None:
    fetcher = stack.process_with("run_market_fetcher")
    before = stack.terminal.count("change=")
    exchange.switch_on({"kind": "dropped"})
    try:
        wait_until(lambda: health(stack)["aggregator"]["circuitBreaker"]["state"] != "closed", "an open circuit")
        aggregator = health(stack)["aggregator"]
    finally:
        exchange.switch_all_off()
    wait_until(lambda: health(stack)["aggregator"]["backoff"]["failuresInARow"] == 0, "the end of the backoff")

    assert aggregator["lease"]["isHeld"] is True
    assert aggregator["lease"]["holder"].endswith(f":{fetcher.pid}")
    assert aggregator["backoff"]["failuresInARow"] >= 1
    assert aggregator["backoff"]["nextCycleAt"] > 0
    wait_until(lambda: "from=open to=closed" in stack.terminal, "the line in the terminal")
    lines = [line for line in stack.terminal.splitlines() if "change=" in line][before:]
    assert sum("change=backoff from=none" in line for line in lines) == 1
    assert sum("change=circuit_breaker from=closed to=open" in line for line in lines) == 1
    assert all("lasted_seconds=" in line for line in lines if "from=open" in line or "from=waiting" in line)


def test_a_stack_is_found_while_it_runs_and_not_when_it_was_killed(tmp_path: Path) -> None:
    with running_stack(tmp_path, STACK, EXCHANGE="simulator") as stack:
        family = descendants(stack.process.pid)
        (found,) = [one for one in find_running_stacks(RUN_FOLDER) if one.web.endswith(f":{stack.port}")]
        with urllib.request.urlopen(f"{found.exchange_simulator}/api/v3/ping", timeout=5) as answer:
            assert answer.headers["X-Market-Data-Source"] == "simulator"
        assert found.pids["fetcher"] == stack.process_with("run_market_fetcher").pid

        stack.process.kill()
        wait_until_gone(family)
        assert stack.file.exists()
        assert [one for one in find_running_stacks(RUN_FOLDER) if one.web == found.web] == []


def test_the_file_of_a_stack_is_gone_with_it(tmp_path: Path) -> None:
    with running_stack(tmp_path, STACK, EXCHANGE="simulator") as stack:
        assert stack.file.exists()
    assert not stack.file.exists()
