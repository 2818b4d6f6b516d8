"""The choice between live and simulated, against hosts on the loopback address that behave as real ones may."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from development.exchange_choice import choose_exchange
from development.exchange_probe import probe_hosts
from development.loopback import LOOPBACK, free_port
from development.options import read_options


@contextmanager
def _host(status: int, content_type: str, body: bytes) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()


@pytest.fixture
def exchange_host() -> Iterator[str]:
    with _host(200, "application/json", b"{}") as base_url:
        yield base_url


@pytest.fixture
def refusing_host() -> str:
    return f"http://{LOOPBACK}:{free_port()}"


@pytest.fixture
def silent_host() -> Iterator[str]:
    """A host that accepts connections and never answers."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"


def _choice(exchange: str, base_url: str, *fallback_urls: str):
    environment = {
        "BINANCE_API_BASE_URL": base_url,
        "BINANCE_API_FALLBACK_URLS": json.dumps(fallback_urls),
    }
    return choose_exchange(read_options({"EXCHANGE": exchange}), environment)


def test_auto_stays_with_the_exchange_where_its_host_answers(exchange_host: str):
    assert not _choice("auto", exchange_host).is_simulated


def test_auto_stays_with_the_exchange_where_only_a_fallback_host_answers(exchange_host: str, refusing_host: str):
    assert not _choice("auto", refusing_host, exchange_host).is_simulated


def test_auto_goes_on_simulated_where_no_host_answers_and_gives_the_reason_of_each(refusing_host: str):
    with _host(451, "text/html", b"<html></html>") as blocking_host:
        choice = _choice("auto", refusing_host, blocking_host)
    assert choice.is_simulated
    assert choice.reasons == (
        f"{refusing_host}: Connection refused",
        f"{blocking_host}: answers with status 451",
    )


def test_live_insists_on_the_exchange_and_still_gives_the_reasons(refusing_host: str):
    choice = _choice("live", refusing_host)
    assert not choice.is_simulated
    assert choice.reasons == (f"{refusing_host}: Connection refused",)


def test_simulator_asks_no_host_at_all(silent_host: str):
    choice = _choice("simulator", silent_host)
    assert choice.is_simulated
    assert choice.reasons == ()


def test_a_name_that_cannot_be_resolved_is_told_in_the_words_of_the_system():
    unresolvable = f"http://{'.'.join(['longer-than-names-can-be'] * 12)}"  # known without asking a DNS server
    failure = probe_hosts([unresolvable])[unresolvable]
    assert failure
    assert "HTTPConnectionPool" not in failure


def test_a_page_that_stands_where_the_exchange_should_be_is_not_taken_for_it():
    with _host(200, "text/html", b"<html>Please log in to this network</html>") as base_url:
        assert probe_hosts([base_url]) == {base_url: "answers, but not as the exchange does"}


def test_hosts_that_say_nothing_do_not_hold_up_the_decision(silent_host: str):
    started_at = time.monotonic()
    failures = probe_hosts([silent_host, silent_host + "/"], deadline_seconds=0.3)
    assert time.monotonic() - started_at < 20
    assert list(failures.values()) == ["no answer within 0.3 s"] * 2


def test_one_answer_is_enough_and_nobody_waits_for_the_others(silent_host: str, exchange_host: str):
    started_at = time.monotonic()
    failures = probe_hosts([silent_host, exchange_host], deadline_seconds=60)
    assert time.monotonic() - started_at < 30
    assert failures == {exchange_host: None}
