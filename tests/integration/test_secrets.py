"""Passwords in settings: real processes are provoked in every way, and everything that they say is searched."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from development.embedded_cache import EmbeddedCache
from nexusmeme.env_file import UNUSABLE_SETTINGS
from tests.fetcher_process import REPOSITORY, FetcherProcess
from tests.process_facts import wait_until
from tests.web_site import WebSite, migrated_database

PASSWORD = "Rec0gnisable-Passw0rd"
WRONG_PASSWORD = "Wr0ng-Rec0gnisable"
KEY = "Rec0gnisable-Key-of-this-site"
NOBODY = "127.0.0.1:9"
PATHS = (
    "/",
    "/api/market-data/prices",
    "/api/market-data/prices?pairs=%00",
    "/api/market-data/init",
    "/api/market-data/health",
    "/api/market-data/pairs",
    "/admin/",
    "/admin/login/",
    "/no-such-page",
)


@pytest.fixture(scope="module")
def guarded_cache() -> Iterator[EmbeddedCache]:
    """A cache that wants a password."""
    with EmbeddedCache() as server, redis.Redis.from_url(server.url) as client:
        client.config_set("requirepass", PASSWORD)
        yield server


def secret_variables(port: int, password: str, database: str) -> dict[str, str]:
    return {
        "REDIS_URL": f"redis://:{password}@127.0.0.1:{port}/0",
        "BINANCE_API_BASE_URL": f"http://user:{PASSWORD}@{NOBODY}",
        "BINANCE_API_FALLBACK_URLS": f'["http://user:{WRONG_PASSWORD}@no-such-host.invalid"]',
        "DATABASE_URL": database,
        "SECRET_KEY": KEY,
        "LOG_LEVEL": "DEBUG",
    }


def assert_no_secret(said: str, where: str) -> None:
    assert said
    for secret in (PASSWORD, WRONG_PASSWORD, KEY, "Rec0gnisable"):
        assert secret not in said, where


def answers_of(site: WebSite) -> Iterator[tuple[str, str]]:
    """Yield path and everything that an answer says, headers included."""
    for path in PATHS:
        try:
            with urllib.request.urlopen(site.url + path, timeout=10) as response:
                yield path, f"{response.headers}{response.read().decode()}"
        except urllib.error.HTTPError as error:
            with error:
                yield path, f"{error.headers}{error.read().decode()}"


@pytest.mark.parametrize("password", [PASSWORD, WRONG_PASSWORD], ids=["right", "wrong"])
def test_a_fetcher_that_fails_in_every_way_tells_no_password(
    guarded_cache: EmbeddedCache, tmp_path: Path, password: str
) -> None:
    log = tmp_path / "fetcher.log"
    fetcher = FetcherProcess(secret_variables(guarded_cache.port, password, "sqlite://:memory:"), log)
    awaited = "refuses connections" if password == PASSWORD else "refused the user name or password"
    try:
        wait_until(lambda: awaited in fetcher.log, f"the line {awaited!r}")
        with redis.Redis(port=guarded_cache.port, password=PASSWORD) as client:
            if password == PASSWORD:
                wait_until(lambda: client.exists("market_data_fetcher:status") == 1, "a report")
            stored = {key: client.get(key) for key in client.scan_iter("*")}
    finally:
        fetcher.end()

    assert_no_secret(fetcher.log, "the fetcher's log")
    assert_no_secret(repr(stored) + " ", "the cache")


@pytest.mark.parametrize("debug", ["true", "false"])
@pytest.mark.parametrize("password", [PASSWORD, WRONG_PASSWORD], ids=["right", "wrong"])
def test_no_page_tells_a_password(guarded_cache: EmbeddedCache, tmp_path: Path, password: str, debug: str) -> None:
    variables = secret_variables(guarded_cache.port, password, migrated_database(tmp_path))
    site = WebSite(variables.pop("REDIS_URL"), {**variables, "DEBUG": debug}).start()
    try:
        for path, said in answers_of(site):
            assert_no_secret(said, path)
    finally:
        site.stop()


PROVOKE = """
import io, json, sys
from wsgiref.util import setup_testing_defaults
from nexusmeme.wsgi import application

def failing(*arguments, **named):
    raise RuntimeError(f"it fails with {arguments} {named}")

from django.core.cache import caches
from market_data.api import views
server = caches["market_data"].client._server
views.open_price_snapshots = lambda: failing(server, settings=dict(__import__("os").environ))
environ = {"PATH_INFO": "/api/market-data/prices", "HTTP_ACCEPT": "text/html", **__import__("os").environ}
environ["HTTP_COOKIE"] = "a=b"  # so that Django answers
setup_testing_defaults(environ)
print(b"".join(application(environ, lambda status, headers: print(status, headers))).decode())
"""


@pytest.mark.parametrize("debug", ["true", "false"])
def test_an_error_that_nobody_foresaw_shows_no_secret_on_the_page_or_in_the_log(tmp_path: Path, debug: str) -> None:
    finished = run("-c", PROVOKE, DEBUG=debug, **secret_variables(9, PASSWORD, "sqlite://:memory:"))

    assert "500" in finished.stdout
    assert "RuntimeError" in finished.stdout + finished.stderr
    assert_no_secret(finished.stdout + finished.stderr, f"DEBUG={debug}")


@pytest.mark.parametrize("command", [["manage.py", "check"], ["manage.py", "run_market_fetcher"], ["-c", PROVOKE]])
@pytest.mark.parametrize(
    "variables",
    [
        {"REDIS_URL": f"redis://:{PASSWORD}/#@127.0.0.1:6379/0"},
        {"REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:port/0"},
        {"BINANCE_API_BASE_URL": f"http://user:{PASSWORD}@exchange.test:99999"},
        {"BINANCE_API_FALLBACK_URLS": f'["http://user:{PASSWORD}@exchange.test"'},
        {"DATABASE_URL": f"nosuch://user:{PASSWORD}@db.test/name"},
        {"DATABASE_URL": f"postgres://user:{PASSWORD}@db.test:port/name"},
    ],
    ids=json.dumps,
)
def test_a_value_that_cannot_be_read_is_named_and_not_repeated(command: list[str], variables: dict[str, str]) -> None:
    finished = run(*command, SECRET_KEY=KEY, **variables)

    assert finished.returncode != 0
    assert next(iter(variables)) in finished.stderr
    assert "Traceback" not in finished.stderr
    assert_no_secret(finished.stdout + finished.stderr, " ".join(command))


WEB_SERVER = (
    "-m",
    "granian",
    "--interface",
    "wsgi",
    "--log-config",
    "deploy/web-server-log.json",
    "nexusmeme.wsgi:application",
)


@pytest.mark.parametrize(
    "command", [["manage.py", "check"], ["manage.py", "run_market_fetcher"], ["-c", PROVOKE], WEB_SERVER]
)
def test_a_line_of_the_settings_file_that_cannot_be_read_stops_every_process_without_its_text(
    command: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "settings"
    file.write_text(f"SECRET_KEY={KEY}\nREDIS_URL redis://:{PASSWORD}@127.0.0.1:6379/0\n")
    finished = run(*command, ENV_FILE=str(file))

    assert finished.returncode == UNUSABLE_SETTINGS
    assert finished.stdout == ""
    assert finished.stderr.startswith(f"{file}, line 2: ")
    assert finished.stderr.count("\n") == 1
    assert_no_secret(finished.stderr, " ".join(command))


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
