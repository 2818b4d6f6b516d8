import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from development.embedded_cache import CacheStartError, EmbeddedCache
from development.loopback import free_port
from tests.process_facts import descendants, wait_until_gone

PROJECT = Path(__file__).resolve().parents[2]


def test_the_cache_answers_at_its_address_as_soon_as_it_is_started():
    with EmbeddedCache() as cache, redis.from_url(cache.url) as connection:
        assert connection.set("market_data:BTC/USD", "{}")
        assert connection.get("market_data:BTC/USD") == b"{}"


def test_the_cache_listens_on_the_loopback_address_alone():
    with EmbeddedCache() as cache:
        listeners = [item for item in psutil.Process(cache.pid).net_connections("inet") if item.status == "LISTEN"]
        assert {item.laddr.ip for item in listeners} == {"127.0.0.1"}


def test_a_cache_that_went_away_returns_empty_at_the_same_address():
    with EmbeddedCache() as cache, redis.from_url(cache.url) as connection:
        address = cache.url
        connection.set("key", "value")
        cache.stop()
        with pytest.raises(redis.ConnectionError):
            connection.get("key")
        cache.start()
        assert cache.url == address
        assert connection.get("key") is None


def test_a_cache_takes_a_password_and_directives():
    with EmbeddedCache(password="open-sesame", options={"maxmemory": "2mb"}) as cache:
        with redis.from_url(cache.url) as connection:
            assert connection.config_get("maxmemory") == {"maxmemory": "2097152"}
        stranger = redis.Redis(port=cache.port, retry=Retry(NoBackoff(), 0))
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("key")


def test_a_port_held_by_another_server_is_an_error_and_not_a_cache_of_somebody_else():
    with EmbeddedCache() as first, pytest.raises(CacheStartError, match=f"did not start on port {first.port}"):
        EmbeddedCache(first.port).start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_command_prints_the_address_and_takes_the_server_along(number: signal.Signals):
    port = free_port()
    command = [sys.executable, "-m", "development.embedded_cache", f"--port={port}"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"REDIS_URL=redis://127.0.0.1:{port}/0\n"
        family = descendants(process.pid)
        process.send_signal(number)
        wait_until_gone(family)
        assert process.wait() == (-signal.SIGKILL if number is signal.SIGKILL else 0)


def test_the_command_says_in_one_line_that_its_port_is_busy():
    with EmbeddedCache() as cache:
        command = [sys.executable, "-m", "development.embedded_cache", f"--port={cache.port}"]
        result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert f"The embedded cache did not start on port {cache.port}" in result.stderr
    assert "Traceback" not in result.stderr
