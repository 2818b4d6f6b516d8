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
from typing import IO

import pytest
import requests

from tests.unit.test_simulator_recording import write_recording

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 30
ADDRESS = re.compile(r"http://[\d.]+:\d+")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", "run_exchange_simulator", *arguments]


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Yield the process and what it writes."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DEBUG": "true"},
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout
    finally:
        process.kill()
        process.communicate()


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Yield the process, its address and the line in which it announced itself."""
    with started("--port", "0", *arguments) as (process, output):
        announcement = output.readline()
        address = ADDRESS.search(announcement)
        assert address is not None, announcement
        yield process, address[0], announcement


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


def test_one_process_serves_several_exchanges_each_at_an_address_that_it_announces() -> None:
    listen = [f"--listen={name}=0" for name in ("binance", "kraken", "bitstamp")]
    faults = '{"kraken": {"kind": "firewall"}}'
    with started(*listen, "--cache-seconds", "0", "--faults", faults) as (process, output):
        announcements = [output.readline() for _ in range(6)][::2]
        assert [" of kraken at " in line for line in announcements] == [False, True, False]
        assert all("SIMULATED" in line for line in announcements)
        binance, kraken, bitstamp = (found[0] for line in announcements if (found := ADDRESS.search(line)))
        assert requests.get(binance + "/api/v3/ping", timeout=5).json() == {}
        assert requests.get(kraken + "/0/public/Time", timeout=5).status_code == 403
        assert requests.get(bitstamp + "/api/v2/ticker/btcusd/", timeout=5).json()["market_type"] == "SPOT"
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_SECONDS) == 0


@pytest.mark.parametrize(("name", "path"), [("kraken", "/0/public/Time"), ("bitstamp", "/api/v2/ticker/")])
def test_one_port_may_serve_another_exchange(name: str, path: str) -> None:
    with running("--exchange", name, "--symbols", "12") as (_, address, announcement):
        assert f" of {name} at " in announcement
        assert "12 symbols" in announcement
        assert requests.get(address + path, timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), "--listen NAME=PORT"),
        (("--listen", "kraken"), "no NAME=PORT with one of the names binance, kraken, bitstamp"),
        (("--listen", "coinbase=0"), "no NAME=PORT"),
        (("--listen", "kraken=port"), "whole number from 0 to 65535"),
        (("--listen", "kraken=0", "--listen", "kraken=0"), "names an exchange twice"),
        (("--listen", "kraken=0", "--port", "0"), "in place of --exchange and --port"),
        (("--port", "0", "--exchange", "coinbase"), "invalid choice"),
        (("--listen", "kraken=0", "--weight-limit", "9"), "--weight-limit is Binance's"),
        (("--listen", "kraken=0", "--listen", "bitstamp=0", "--tickers", "a.json"), "of one exchange"),
        (("--listen", "kraken=0", "--exchange-info", "a.json"), "for binance, which is not served"),
        (("--listen", "kraken=0", "--asset-pairs", "a.json"), "--tickers FILE and --asset-pairs FILE"),
        (("--listen", "kraken=0", "--tickers", "README.md"), "README.md is no JSON"),
        (("--listen", "kraken=0", "--listen", "bitstamp=0", "--faults", '{"kind": "firewall"}'), "name the one"),
    ],
)
def test_wrong_options_for_several_exchanges_get_one_clear_message(arguments: tuple[str, ...], wanted: str) -> None:
    assert wanted in refused(*arguments)


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
