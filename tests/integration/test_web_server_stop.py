"""`deploy/web-server` is told to stop, or loses a worker: what it has begun it ends, and it leaves nothing behind."""

import http.client
import os
import signal
import socket
import sys
from collections.abc import Iterator

import psutil
import pytest

from development.loopback import LOOPBACK
from tests.process_facts import descendants, wait_until, wait_until_gone
from tests.web_site import START_DEADLINE_SECONDS, WebSite

PRICES = "/api/market-data/prices"


class DeployedSite(WebSite):
    """The web server as it is deployed, started as soon as it listens: a first answer would wait for Redis."""

    def command(self) -> list[str]:
        return ["deploy/web-server", "--host", LOOPBACK, "--port", str(self.port)]

    def _answers(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex((LOOPBACK, self.port)) == 0


@pytest.fixture
def silent_redis() -> Iterator[socket.socket]:
    """Accept connections and never say a word: whoever reads is held until his time-out."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.settimeout(START_DEADLINE_SECONDS)
        yield listener


@pytest.fixture
def site(silent_redis: socket.socket) -> Iterator[DeployedSite]:
    redis_url = f"redis://{LOOPBACK}:{silent_redis.getsockname()[1]}/0"
    site = DeployedSite(redis_url, {"PYTHON": sys.executable, "WEB_WORKERS": "2"})
    site.start()
    yield site
    site.stop()


def test_an_answer_that_is_begun_is_ended_before_the_server_stops(
    silent_redis: socket.socket, site: DeployedSite
) -> None:
    family = [psutil.Process(site.pid), *descendants(site.pid)]
    reader = http.client.HTTPConnection(LOOPBACK, site.port, timeout=START_DEADLINE_SECONDS)
    reader.request("GET", PRICES)
    held, _ = silent_redis.accept()  # a worker has begun, and waits for Redis
    os.kill(site.pid, signal.SIGTERM)
    response = reader.getresponse()
    body = response.read()

    assert site.wait() == 0
    assert response.status == 503
    assert b"temporarily unavailable" in body
    wait_until_gone(family)
    held.close()
    reader.close()


def test_a_server_whose_worker_was_killed_ends_for_its_supervisor_to_start_it_again(site: DeployedSite) -> None:
    wait_until(lambda: len(descendants(site.pid)) >= 2, "the workers")
    family = descendants(site.pid)
    family[-1].kill()

    site.wait()
    wait_until_gone(family)
