"""Hosts that cannot be reached or trusted: what an operator reads, and that the next host serves the same cycle."""

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from exchange_simulator.server import RunningSimulator
from tests.drills.conftest import Hall

NAMELESS = "https://exchange.invalid"


@contextmanager
def refusing(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def without_a_name(folder: Path) -> Iterator[str]:
    yield NAMELESS


@contextmanager
def without_tls(folder: Path) -> Iterator[str]:
    with RunningSimulator(symbols=2) as plain:
        yield plain.base_url.replace("http:", "https:")


@contextmanager
def with_a_certificate_of_its_own(folder: Path) -> Iterator[str]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def shake_hands(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True)

    with serving(shake_hands) as port:
        yield f"https://127.0.0.1:{port}"


@contextmanager
def with_a_full_backlog(folder: Path) -> Iterator[str]:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = listener.getsockname()[1]
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield f"http://127.0.0.1:{port}"


@contextmanager
def with_tls_in_drops(folder: Path) -> Iterator[str]:
    """A handshake record of 64 kB that comes byte by byte, so that no pause is ever long enough for a time-out."""

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        for byte in b"\x16\x03\x03\x40\x00" + b"\x02" * 600:
            connection.send(bytes([byte]))
            time.sleep(0.1)

    with serving(drip) as port:
        yield f"https://127.0.0.1:{port}"


@contextmanager
def serving(speak: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accept connections on a free port and speak to each in a thread of its own."""

    def converse(connection: socket.socket) -> None:
        try:
            speak(connection)
        except OSError:
            return  # The other side has had enough.
        finally:
            connection.close()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=converse, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


HOSTS = {
    refusing: ("it refuses connections", "unavailable"),
    without_a_name: ("its name cannot be resolved", "unavailable"),
    without_tls: ("no trusted TLS connection", "unavailable"),
    with_a_certificate_of_its_own: ("no trusted TLS connection", "unavailable"),
    with_a_full_backlog: ("did not answer in time", "timeout"),
    with_tls_in_drops: ("did not answer in time", "timeout"),
}


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.__name__)
def test_a_host_out_of_reach_is_named_with_the_reason_and_ends_the_cycle_in_time(
    hall: Hall, tmp_path: Path, host: Callable[[Path], object]
) -> None:
    words, outcome = HOSTS[host]
    with host(tmp_path) as url:
        fetcher = hall.start_fetcher("--once", BINANCE_API_BASE_URL=url)
        assert fetcher.wait(20) == 1

    status = json.loads(hall.client.get("market_data_fetcher:status"))
    assert {pair["outcome"] for pair in status["pairs"].values()} == {outcome}
    assert words in fetcher.log
    assert url.split("://")[1] in fetcher.log
    assert "Traceback" not in fetcher.log
    assert hall.client.exists("market_data_fetcher:lease") == 0


@pytest.mark.parametrize("host", [refusing, without_tls, with_a_full_backlog], ids=lambda host: host.__name__)
def test_another_host_of_the_exchange_makes_up_for_one_out_of_reach_within_the_cycle(
    hall: Hall, tmp_path: Path, host: Callable[[Path], object]
) -> None:
    with host(tmp_path) as url:
        fallbacks = json.dumps([hall.exchange.base_url])
        fetcher = hall.start_fetcher("--once", BINANCE_API_BASE_URL=url, BINANCE_API_FALLBACK_URLS=fallbacks)
        assert fetcher.wait(20) == 0

    assert hall.client.get("market_data:BTC/USDT")
    assert f"host {url.split('://')[1]} of the exchange fails, another is asked first: " in fetcher.log
