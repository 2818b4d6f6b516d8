"""`manage.py run_exchange_simulator` as a real process."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import requests

from tests.unit.test_simulator_recording import write_recording

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 30


def command(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", "run_exchange_simulator", *arguments]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Yield the process, its address and the line in which it announced itself."""
    process = subprocess.Popen(
        command("--port", "0", *arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DEBUG": "true"},
    )
    try:
        assert process.stdout is not None
        announcement = process.stdout.readline()
        address = re.search(r"http://[\d.]+:\d+", announcement)
        assert address is not None, announcement
        yield process, address[0], announcement
    finally:
        process.kill()
        process.communicate()


def refused(*arguments: str) -> str:
    """Run the command, expect it to end at once with an error, and return what it wrote."""
    result = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        env={**os.environ, "DEBUG": "true"},
    )
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with running() as (process, address, announcement):
        assert "SIMULATED" in announcement
        assert requests.get(address + "/api/v3/ping", timeout=5).json() == {}
        process.send_signal(number)
        assert process.wait(DEADLINE_SECONDS) == 0


def test_options_shape_the_market() -> None:
    with running("--symbols", "12", "--seed", "5", "--weight-limit", "99") as (_, address, announcement):
        assert "12 symbols" in announcement
        answer = requests.get(address + "/api/v3/exchangeInfo", timeout=5).json()
        assert len(answer["symbols"]) == 12
        assert answer["rateLimits"][0]["limit"] == 99


def test_a_recording_is_served(tmp_path: Path) -> None:
    tickers, exchange_info = map(str, write_recording(tmp_path))
    with running("--tickers", tickers, "--exchange-info", exchange_info, "--still") as (_, address, announcement):
        assert "recorded, 6 symbols, standing still" in announcement
        row = requests.get(address + "/api/v3/ticker/24hr?symbol=AAABBB", timeout=5).json()
        assert row["lastPrice"] == "100.00000000"


def test_faults_can_be_on_from_the_start() -> None:
    with running("--faults", '{"kind": "geo_blocked"}') as (_, address, _announcement):
        assert requests.get(address + "/api/v3/ping", timeout=5).status_code == 451


def test_a_busy_port_gets_one_clear_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = refused("--port", port)
    assert f"127.0.0.1:{port}" in message
    assert "Address already in use" in message
    assert "--port" in message


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--tickers", "a.json"), "--exchange-info FILE"),
        (("--exchange-info", "a.json"), "--tickers FILE"),
        (("--tickers", "nowhere.json", "--exchange-info", "nowhere.json"), "nowhere.json cannot be read"),
        (("--tickers", "README.md", "--exchange-info", "README.md"), "README.md"),
        (("--tickers", "a.json", "--exchange-info", "a.json", "--symbols", "3"), "generated markets"),
        (("--symbols", "0"), "whole number from 1"),
        (("--seed", "x"), "whole number"),
        (("--faults", "{"), "no JSON"),
        (("--faults", '{"kind": "earthquake"}'), "firewall"),
        (("--host", "nowhere.invalid"), "nowhere.invalid"),
    ],
)
def test_wrong_options_get_one_clear_message(arguments: tuple[str, ...], wanted: str) -> None:
    assert wanted in refused("--port", "0", *arguments)


def send_as_curl_would(line: str, address: str) -> requests.Response:
    """Send what a line of curl stands for, so that curl itself need not be installed."""
    words = shlex.split(line.replace("$C", f"{address}/_control"))
    options = dict(pairwise(words))
    url = next(word for word in words if word.startswith(address))
    method = options.get("-X", "POST" if "-d" in options else "GET")
    return requests.request(method, url, data=options.get("-d"), timeout=DEADLINE_SECONDS)


def test_every_curl_line_of_the_readme_works() -> None:
    readme = (ROOT / "exchange_simulator" / "README.md").read_text()
    lines = [line for line in readme.splitlines() if line.startswith("curl ")]
    assert lines
    with running() as (_, address, _announcement):
        for line in lines:
            answer = send_as_curl_would(line, address)
            assert answer.status_code == 200, (line, answer.text)
