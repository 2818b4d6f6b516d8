"""The Redis users that the runbook gives fetcher and web servers may do what these need, and nothing else."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest
import redis

from development.embedded_cache import EmbeddedCache
from exchange_simulator.server import RunningSimulator
from tests.documents import PROJECT, section_of

FETCHER, WEB = "nexusmeme_fetcher", "nexusmeme_web"
READ_PRICES = "from market_data.prices import get_prices; print(sorted(get_prices(['BTC/USDT'], max_stale_ms=1000)))"


class Users:
    """The server whose users are those of the runbook."""

    def __init__(self, server: EmbeddedCache, owner: redis.Redis, exchange: RunningSimulator) -> None:
        self.owner = owner
        self.server = server
        self._exchange = exchange

    def address(self, user: str, password: str) -> str:
        return self.server.url.replace("redis://", f"redis://{user}:{password}@")

    def connected(self, user: str, password: str) -> redis.Redis:
        return redis.Redis.from_url(self.address(user, password))

    def manage(self, address: str, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "nexusmeme.settings",
            "REDIS_URL": address,
            "BINANCE_API_BASE_URL": self._exchange.base_url,
            "BINANCE_API_FALLBACK_URLS": "[]",
            # Long lives, so that nothing depends on how fast the machine is.
            "MARKET_DATA_CACHE_TTL_MS": "600000",
            "MARKET_DATA_CACHE_STALE_TTL_MS": "300000",
        }
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    blocks = re.findall(r"^```sh\n(.*?)^```", section_of("docs/runbook.md", "## Who may write to Redis"), re.M | re.S)
    commands = [line for block in blocks for line in block.replace("\\\n", "").splitlines()]
    with EmbeddedCache() as server, RunningSimulator() as exchange, redis.Redis.from_url(server.url) as owner:
        for program, *words in map(shlex.split, commands):
            assert program == "redis-cli"
            owner.execute_command(*words)
        yield Users(server, owner, exchange)


def test_the_fetcher_s_user_may_do_all_that_a_fetcher_does_and_the_web_server_s_all_that_readers_need(
    users: Users,
) -> None:
    fetched = users.manage(users.address(FETCHER, "FETCHER-PASSWORD"), "run_market_fetcher", "--once")
    web = users.address(WEB, "WEB-PASSWORD")
    read = users.manage(web, "shell", "--no-imports", "-c", READ_PRICES)
    status = users.manage(web, "market_status")

    assert fetched.returncode == 0, fetched.stderr
    assert read.stdout == "['BTC/USDT']\n", read.stderr
    assert "4 configured, 4 fresh" in status.stdout, status.stderr
    assert "Version: " in status.stdout
    assert users.owner.acl_log() == []


@pytest.mark.parametrize(
    ("user", "password", "command"),
    [
        (WEB, "WEB-PASSWORD", ("SET", "market_data:BTC/USDT", "{}")),
        (WEB, "WEB-PASSWORD", ("DEL", "market_data:BTC/USDT")),
        (WEB, "WEB-PASSWORD", ("EVAL", "return redis.call('SET', KEYS[1], '')", 1, "market_data:BTC/USDT")),
        (WEB, "WEB-PASSWORD", ("GET", "somebody:else")),
        (WEB, "WEB-PASSWORD", ("KEYS", "*")),
        (FETCHER, "FETCHER-PASSWORD", ("SET", "somebody:else", "1")),
        (FETCHER, "FETCHER-PASSWORD", ("FLUSHALL",)),
        (FETCHER, "FETCHER-PASSWORD", ("CONFIG", "SET", "maxmemory", "1")),
    ],
    ids=str,
)
def test_neither_user_may_do_what_is_not_its_work(
    users: Users, user: str, password: str, command: tuple[str | int, ...]
) -> None:
    with users.connected(user, password) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command)


def test_nobody_writes_without_a_password(users: Users) -> None:
    with redis.Redis.from_url(users.server.url) as client, pytest.raises(redis.exceptions.AuthenticationError):
        client.set("market_data:BTC/USDT", "{}")
