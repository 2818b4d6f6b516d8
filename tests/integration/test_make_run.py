"""`make run` and `make demo`: real processes, started as a developer does and ended in every way there is."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from development.loopback import LOOPBACK, free_port
from development.stack_file import stack_file
from tests.process_facts import descendants, has_argument, wait_until, wait_until_gone
from tests.stack_process import PROJECT, RUN_FOLDER, STACK, RunningStack, running_stack, stack_environment

StartStack = Callable[..., RunningStack]
IN_THE_BACKGROUND_OF_A_SCRIPT = ("sh", "-c", "trap '' INT HUP QUIT; exec \"$@\"", "sh", *STACK)


@pytest.fixture
def start_stack(tmp_path: Path) -> Iterator[StartStack]:
    contexts = []

    def start(command: Sequence[str] = STACK, **variables: str) -> RunningStack:
        context = running_stack(tmp_path, command, **{"EXCHANGE": "simulator", **variables})
        contexts.append(context)
        return context.__enter__()

    yield start
    for context in contexts:
        context.__exit__(None, None, None)


@pytest.fixture(scope="module")
def simulated_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("stack"), STACK, EXCHANGE="simulator") as stack:
        yield stack


def _refused_start(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = stack_environment(folder, {"EXCHANGE": "simulator", "PORT": str(free_port()), **variables})
    return subprocess.run(STACK, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_the_simulator_brings_four_live_prices_to_the_api(simulated_stack: RunningStack):
    wait_until(lambda: simulated_stack.get("/api/market-data/prices")[0] == 200, "four prices", 15)
    _, _, body = simulated_stack.get("/api/market-data/prices")
    assert list(json.loads(body)) == ["BTC/USD", "BTC/USDT", "ETH/USD", "ETH/USDT"]


def test_simulated_prices_say_so_in_the_terminal_and_in_every_answer(simulated_stack: RunningStack):
    assert "SIMULATED" in simulated_stack.terminal
    wait_until(lambda: simulated_stack.get("/api/market-data/prices")[0] == 200, "four prices", 15)
    for path in ("prices", "init", "health", "pairs"):
        _, headers, _ = simulated_stack.get(f"/api/market-data/{path}")
        assert headers["X-Market-Data-Source"] == "simulator", path


def test_the_page_is_there_when_its_address_is_printed(simulated_stack: RunningStack):
    assert simulated_stack.get("/")[0] == 200


def test_a_head_request_is_answered_without_a_body(simulated_stack: RunningStack):
    with socket.create_connection((LOOPBACK, simulated_stack.port), timeout=5) as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert body == b""


def test_everything_listens_on_the_loopback_address_alone(simulated_stack: RunningStack):
    addresses = {
        connection.laddr.ip
        for process in descendants(simulated_stack.process.pid)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {LOOPBACK}


def test_without_a_reachable_exchange_it_says_why_and_goes_on_simulated(start_stack: StartStack):
    closed = f"http://{LOOPBACK}:{free_port()}"
    stack = start_stack(EXCHANGE="auto", BINANCE_API_BASE_URL=closed, BINANCE_API_FALLBACK_URLS="[]")
    assert f"{closed}: Connection refused" in stack.terminal
    assert "SIMULATED" in stack.terminal
    wait_until(lambda: stack.get("/api/market-data/prices")[0] == 200, "four prices", 15)
    assert stack.get("/api/market-data/prices")[1]["X-Market-Data-Source"] == "simulator"


def test_insisting_on_the_live_exchange_shows_the_outage_as_it_is(start_stack: StartStack):
    closed = f"http://{LOOPBACK}:{free_port()}"
    stack = start_stack(EXCHANGE="live", BINANCE_API_BASE_URL=closed, BINANCE_API_FALLBACK_URLS="[]")
    assert "SIMULATED" not in stack.terminal
    assert f"{closed}: Connection refused" in stack.terminal
    assert "No host of Binance answers: the page shows the outage" in stack.terminal
    assert stack.get("/")[0] == 200
    assert stack.get("/api/market-data/prices")[0] == 503
    wait_until(
        lambda: json.loads(stack.get("/api/market-data/init")[2])["fetcher"]["stats"]["lastError"] is not None,
        "the outage in the fetcher's state",
    )


def test_a_busy_port_gets_one_line_that_says_what_to_write(tmp_path: Path):
    with socket.create_server((LOOPBACK, 0)) as other_program:
        port = other_program.getsockname()[1]
        result = _refused_start(tmp_path, PORT=str(port))
    assert result.returncode == 1
    assert result.stderr.startswith(f"Port {port} is in use by another program.")
    assert "make run PORT=" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_port_of_a_stack_that_only_starts_is_refused_like_any_busy_one(tmp_path: Path):
    port = free_port()
    with stack_file(RUN_FOLDER, port):
        result = _refused_start(tmp_path, PORT=str(port))
    assert result.returncode == 1
    assert result.stderr.startswith(f"Port {port} is in use by another program.")


def test_several_starts_at_once_prepare_one_database_together(tmp_path: Path):
    environment = stack_environment(tmp_path, {"DEBUG": "true"})
    command = [sys.executable, "-m", "development.preparation"]
    started = [
        subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert [(process.communicate()[1], process.returncode) for process in started] == [("", 0)] * 3


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRADING_PAIRS", "nonsense"),
        ("MARKET_DATA_FETCH_INTERVAL_MS", "500"),
        ("REDIS_URL", "here"),
        ("BINANCE_API_BASE_URL", "binance"),
        ("EXCHANGE", "kraken"),
        ("RECORDING", "/nowhere"),
    ],
)
def test_a_value_that_cannot_work_stops_the_start_with_one_line_that_names_it(
    tmp_path: Path, variable: str, value: str
):
    result = _refused_start(tmp_path, **{variable: value})
    assert result.returncode == 1
    assert variable in result.stderr
    assert "Write" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "number"),
    [
        (STACK, signal.SIGTERM),
        (IN_THE_BACKGROUND_OF_A_SCRIPT, signal.SIGINT),
        (IN_THE_BACKGROUND_OF_A_SCRIPT, signal.SIGHUP),
    ],
)
def test_a_stop_signal_ends_everything_and_is_no_failure(
    start_stack: StartStack, command: Sequence[str], number: signal.Signals
):
    stack = start_stack(command)
    family = descendants(stack.process.pid)
    stack.process.send_signal(number)
    assert stack.process.wait(timeout=20) == 0
    wait_until_gone(family)


def test_an_impatient_second_ctrl_c_leaves_nothing_either(start_stack: StartStack):
    stack = start_stack()
    family = descendants(stack.process.pid)
    stack.process.send_signal(signal.SIGINT)
    stack.process.send_signal(signal.SIGINT)
    stack.process.wait(timeout=20)
    wait_until_gone(family)


def test_a_stop_while_everything_still_starts_leaves_nothing(tmp_path: Path):
    terminal_path = tmp_path / "terminal.txt"
    environment = stack_environment(tmp_path, {"EXCHANGE": "simulator", "PORT": str(free_port())})
    with (
        terminal_path.open("wb") as output,
        subprocess.Popen(STACK, cwd=PROJECT, env=environment, stdout=output) as process,
    ):
        wait_until(lambda: any(has_argument(item, "granian") for item in descendants(process.pid)), "the web server")
        family = descendants(process.pid)
        process.terminate()
        assert process.wait(timeout=20) == 0
    wait_until_gone(family)


def test_nothing_outlives_a_killed_stack(start_stack: StartStack):
    stack = start_stack()
    family = descendants(stack.process.pid)
    stack.process.kill()
    wait_until_gone(family)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_make_that_is_ended(start_stack: StartStack, tmp_path: Path, number: signal.Signals):
    ready = tmp_path / "ready"
    ready.touch()
    stack = start_stack(["make", "demo", f"IN_VENV={sys.executable}", f"RUN_READY={ready}"])
    family = descendants(stack.process.pid)
    stack.process.send_signal(number)
    wait_until_gone(family)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("run_market_fetcher", "fetcher"),
        ("granian", "web"),
        ("valkey", "cache"),
    ],
)
def test_the_death_of_one_process_is_named_and_ends_all(start_stack: StartStack, word: str, name: str):
    stack = start_stack()
    family = descendants(stack.process.pid)
    stack.process_with(word).kill()
    assert stack.process.wait(timeout=20) == 1
    assert f"{name} has ended by itself (killed by SIGKILL)" in stack.terminal
    wait_until_gone(family)
