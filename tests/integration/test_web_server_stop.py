"""`deploy/web-server` is told to stop, or loses a worker: what it has begun it ends, and it leaves nothing behind."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from development.loopback import LOOPBACK, free_port
from tests.process_facts import descendants, wait_until, wait_until_gone
from tests.web_site import REPOSITORY, START_DEADLINE_SECONDS

PRICES = "/api/market-data/prices"


def listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((LOOPBACK, port)) == 0


@contextmanager
def web_server(redis_port: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    server = subprocess.Popen(
        ["deploy/web-server", "--host", LOOPBACK, "--port", str(port)],
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "PYTHON": sys.executable,
            "WEB_WORKERS": "2",
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "for-this-test",
            "REDIS_URL": f"redis://{LOOPBACK}:{redis_port}/0",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: listens(port), "the web server's socket", START_DEADLINE_SECONDS)
        yield server, port
    finally:
        server.terminate()
        server.wait(START_DEADLINE_SECONDS)


@pytest.fixture
def silent_redis() -> Iterator[socket.socket]:
    """Accept connections and never say a word: whoever reads is held until his time-out."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.settimeout(START_DEADLINE_SECONDS)
        yield listener


def test_an_answer_that_is_begun_is_ended_before_the_server_stops(silent_redis: socket.socket) -> None:
    with web_server(silent_redis.getsockname()[1]) as (server, port):
        family = [psutil.Process(server.pid), *descendants(server.pid)]
        reader = http.client.HTTPConnection(LOOPBACK, port, timeout=START_DEADLINE_SECONDS)
        reader.request("GET", PRICES)
        held, _ = silent_redis.accept()  # a worker has begun, and waits for Redis
        server.send_signal(signal.SIGTERM)
        response = reader.getresponse()
        body = response.read()

        assert server.wait(START_DEADLINE_SECONDS) == 0
        assert response.status == 503
        assert b"temporarily unavailable" in body
        wait_until_gone(family)
        held.close()
        reader.close()


def test_a_server_whose_worker_was_killed_ends_for_its_supervisor_to_start_it_again(
    silent_redis: socket.socket,
) -> None:
    with web_server(silent_redis.getsockname()[1]) as (server, _):
        wait_until(lambda: len(descendants(server.pid)) >= 2, "the workers")
        family = descendants(server.pid)
        family[-1].kill()

        server.wait(START_DEADLINE_SECONDS)
        wait_until_gone(family)
