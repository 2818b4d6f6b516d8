"""`/metrics` of the real web server: right across its workers, whatever ends, and whatever lies in Redis."""

import http.client
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from django.core.wsgi import get_wsgi_application
from django.test import Client

from development.embedded_cache import EmbeddedCache
from market_data import __version__
from market_data.api.counters import open_counters
from market_data.api.prices_layer import PricesLayer
from tests.metrics_text import samples_of
from tests.process_facts import wait_until
from tests.web_site import PAIRS, REPOSITORY, PriceKeys, WebSite

PRICES = "/api/market-data/prices"
ASKED = {
    PRICES: ("prices", "200"),
    f"{PRICES}?pairs=BTC/USDT,XYZ/USDT": ("prices", "206"),
    f"{PRICES}?pairs=XYZ/USDT": ("prices", "503"),
    f"{PRICES}?pairs=": ("prices", "400"),
    "/api/market-data/history": ("history", "200"),
    "/api/market-data/init": ("init", "200"),
    "/api/market-data/pairs": ("pairs", "200"),
    "/api/market-data/no-such-thing": ("unknown", "404"),
}
REQUESTS = 160
ASK = """
import sys
import django
django.setup()
from django.test import Client
for path in sys.argv[1:]:
    answer = Client().get(path, headers={"host": "localhost"})
print(answer.content.decode())
"""
FETCHER_FIGURES = ("nexusmeme_fetch", "nexusmeme_pair", "nexusmeme_circuit", "nexusmeme_lease")


class Workers(WebSite):
    """The web server as it is deployed, with two workers that are replaced when they end."""

    def command(self) -> list[str]:
        arguments = ["--host", "127.0.0.1", "--port", str(self.port), "--respawn-failed-workers"]
        return ["deploy/web-server", *arguments]

    def ask(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Ask on a connection of its own, so that either worker may answer; again where none was made."""
        replies: list[tuple[int, bytes]] = []

        def is_answered() -> bool:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                replies.append((response.status, response.read()))
            except OSError:
                return False
            finally:
                connection.close()
            return True

        wait_until(is_answered, f"an answer to {path}")
        return replies[-1]

    def metrics(self) -> dict[Any, float]:
        status, body = self.ask("/metrics")
        assert status == 200
        return samples_of(body.decode())

    def served(self) -> Counter[tuple[str, str]]:
        """Return the answers that are counted by endpoint and status, but for `health`, which the start asks for."""
        told = Counter()
        for (name, labels), value in self.metrics().items():
            if name == "nexusmeme_served_answers_total" and value and dict(labels)["endpoint"] != "health":
                told[dict(labels)["endpoint"], dict(labels)["status"]] = int(value)
        return told

    def worker_pids(self) -> set[int]:
        return {
            child.pid
            for child in psutil.Process(self.pid).children(recursive=True)
            if child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(child.cmdline())
        }


def environment(folder: Path, **others: str) -> Mapping[str, str]:
    return {"PYTHON": sys.executable, "TMPDIR": str(folder), "WEB_WORKERS": "2", **others}


def worker_files(folder: Path) -> list[Path]:
    """Return a file for each worker that has served something."""
    return list(folder.glob("counter_*.db"))


def ask_in_a_process(*paths: str, folder: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Ask without Redis in a new process whose figures go into the folder; its output is the last response."""
    variables = {"DJANGO_SETTINGS_MODULE": "nexusmeme.settings", "DEBUG": "true", "REDIS_URL": "redis://127.0.0.1:9/0"}
    return subprocess.run(
        [sys.executable, "-c", before + ASK, *paths],
        cwd=REPOSITORY,
        env={"ENV_FILE": os.devnull, "MARKET_DATA_METRICS_FOLDER": str(folder), **variables},
        capture_output=True,
        text=True,
        check=True,
    )


def folder_of(site: Workers, folder: Path) -> Path:
    (found,) = folder.glob(f"nexusmeme-metrics.{os.getuid()}.{site.pid}.*")
    return found


@pytest.fixture
def keys(redis_client: redis.Redis) -> PriceKeys:
    keys = PriceKeys(redis_client)
    keys.write(*PAIRS, age_ms=2_500)
    keys.report(PAIRS)
    return keys


@pytest.fixture
def site(redis_server: EmbeddedCache, keys: PriceKeys, tmp_path: Path) -> Iterator[Workers]:
    running = Workers(redis_server.url, environment(tmp_path))
    running.start()
    yield running
    running.stop()


def ask_both(site: Workers, folder: Path) -> Counter[tuple[str, str]]:
    """Ask until enough was asked and both workers have served some of it; return what was asked."""
    paths = list(ASKED)
    asked: Counter[tuple[str, str]] = Counter()

    def is_enough() -> bool:
        for path in paths:
            status, _ = site.ask(path)
            assert (ASKED[path][1], status) == (str(status), int(ASKED[path][1]))
            asked[ASKED[path]] += 1
        return asked.total() >= REQUESTS and len(worker_files(folder)) == 2

    wait_until(is_enough, "answers of both workers", 60)
    return asked


def test_answers_of_both_workers_add_up_exactly_and_stay_when_one_is_killed(site: Workers, tmp_path: Path) -> None:
    folder = folder_of(site, tmp_path)
    asked = ask_both(site, folder)
    wait_until(lambda: site.served() == asked, "the sums of both workers")
    before = site.worker_pids()
    assert len(before) == 2
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: len(site.worker_pids() - before) == 1, "a worker in its place")

    totals = []
    for _ in range(20):
        totals.append(site.served().total())
        site.ask(PRICES)
        asked["prices", "200"] += 1
    assert totals == sorted(totals)
    assert totals[0] >= asked.total() - 20
    wait_until(lambda: site.served() == asked, "the sums with the ended worker's")


def test_ages_and_durations_are_those_of_the_answers(site: Workers, tmp_path: Path, keys: PriceKeys) -> None:
    asked = ask_both(site, folder_of(site, tmp_path))
    with_prices = asked["prices", "200"] + asked["prices", "206"]
    wait_until(lambda: site.served() == asked, "the sums of both workers")
    told = site.metrics()

    assert told["nexusmeme_served_age_seconds_count", ()] == with_prices
    assert told["nexusmeme_served_age_seconds_bucket", (("le", "2.0"),)] == 0
    assert told["nexusmeme_served_age_seconds_sum", ()] >= 2.5 * with_prices
    for endpoint, status in asked:
        labels = (("endpoint", endpoint), ("status", status))
        assert told["nexusmeme_served_duration_seconds_count", labels] == asked[endpoint, status]
        assert told["nexusmeme_served_duration_seconds_sum", labels] > 0


def test_the_fetcher_s_figures_and_the_build_are_told_by_every_worker(site: Workers) -> None:
    for _ in range(6):
        told = site.metrics()
        assert told["nexusmeme_cache_up", ()] == told["nexusmeme_fetcher_running", ()] == 1
        assert told["nexusmeme_circuit_state", (("state", "closed"),)] == 1
        (build,) = [dict(labels) for name, labels in told if name == "nexusmeme_build_info"]
        assert build["version"] == __version__
        assert len(build["configuration"]) == 8


def test_with_redis_away_the_served_figures_stay_and_the_fetcher_s_are_absent(tmp_path: Path) -> None:
    with EmbeddedCache() as server:
        with redis.Redis.from_url(server.url) as client:
            PriceKeys(client).write(*PAIRS)
        site = Workers(server.url, environment(tmp_path))
        site.start()
        try:
            site.ask(PRICES)
            assert site.metrics()["nexusmeme_cache_up", ()] == 1
            server.stop()
            wait_until(lambda: site.ask(PRICES)[0] == 503, "the first answer without Redis")
            failures = "nexusmeme_cache_errors_total", (("reason", "connection"),)
            answers = "nexusmeme_served_answers_total", (("endpoint", "prices"), ("status", "503"))
            wait_until(lambda: 0 not in map(site.metrics().get, (failures, answers)), "both, told by either worker")
            told = site.metrics()
        finally:
            site.stop()

    assert told["nexusmeme_cache_up", ()] == 0
    assert not [name for name, _ in told if name.startswith(FETCHER_FIGURES)]
    assert told[failures] > 0
    assert told[answers] > 0


def test_a_process_that_is_scraped_before_it_serves_counts_nothing_twice(tmp_path: Path) -> None:
    ended = ask_in_a_process("/metrics", "/metrics", PRICES, "/metrics", folder=tmp_path)

    told = samples_of(ended.stdout)
    assert told["nexusmeme_cache_errors_total", (("reason", "connection"),)] > 0
    assert told["nexusmeme_served_answers_total", (("endpoint", "prices"), ("status", "503"))] == 1
    assert len(worker_files(tmp_path)) == 1, "a file of its own, in which all of it is"


def test_what_an_ended_process_has_served_is_told_by_the_next_one(tmp_path: Path) -> None:
    served = "nexusmeme_served_answers_total", (("endpoint", "prices"), ("status", "503"))
    for number in range(1, 4):
        ended = ask_in_a_process(PRICES, "/metrics", folder=tmp_path / "not yet there")
        assert samples_of(ended.stdout)[served] == number


def test_the_web_server_clears_what_ended_ones_left_and_touches_nobody_else_s(
    redis_server: EmbeddedCache, keys: PriceKeys, tmp_path: Path
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    mine = f"nexusmeme-metrics.{os.getuid()}"
    left, used = tmp_path / f"{mine}.{ended.pid}.aaaa", tmp_path / f"{mine}.{os.getpid()}.bbbb"
    for folder in (left, used):
        folder.mkdir()
    site = Workers(redis_server.url, environment(tmp_path))
    site.start()
    try:
        assert not left.exists()
        assert used.exists()
        assert folder_of(site, tmp_path).stat().st_mode & 0o777 == 0o700
    finally:
        site.stop()


def test_a_folder_that_is_named_begins_without_figures_and_keeps_its_other_files(
    redis_server: EmbeddedCache, keys: PriceKeys, tmp_path: Path
) -> None:
    named = tmp_path / "named"
    ask_in_a_process(PRICES, "/metrics", folder=named)
    assert worker_files(named)
    (named / "notes.txt").write_text("mine")
    site = Workers(redis_server.url, environment(tmp_path, MARKET_DATA_METRICS_FOLDER=str(named)))
    site.start()
    try:
        assert site.served() == Counter()
        assert (named / "notes.txt").read_text() == "mine"
    finally:
        site.stop()


def test_a_site_that_is_https_only_does_not_send_prometheus_away(
    redis_server: EmbeddedCache, keys: PriceKeys, tmp_path: Path
) -> None:
    production = {"DEBUG": "false", "SECRET_KEY": "for-this-test", "HTTPS_ONLY": "true"}
    site = Workers(redis_server.url, environment(tmp_path, ALLOWED_HOSTS="prices.example.org", **production))
    site.start()
    try:
        assert site.ask("/metrics", Host="prices.example.org")[0] == 200
        assert site.ask(PRICES, Host="prices.example.org")[0] == 301
    finally:
        site.stop()


@pytest.mark.usefixtures("ticker_cache")
class TestInThisProcess:
    @pytest.mark.parametrize(
        "status",
        [
            b"nonsense",
            b"\xff\xfe",
            b'{"startedAt":1,"heartbeatAt":1,"intervalMs":4000,"stats":{"fetchAttempts":1%s},"circuitBreaker":{"state":"odd"},'
            b'"rateLimit":{"usedWeight":-5},"exchange":{},"pairs":{}}' % (b"0" * 400),
            b'{"startedAt":1,"heartbeatAt":-9223372036854775808,"intervalMs":4000,"stats":{},'
            b'"circuitBreaker":{"state":"odd"},"rateLimit":{"usedWeight":-5},"exchange":{},"pairs":{}}',
        ],
    )
    def test_no_report_makes_it_an_error(self, redis_client: redis.Redis, status: bytes) -> None:
        redis_client.set("market_data_fetcher:status", status)
        redis_client.set("market_data_fetcher:lease", b"\xff")
        response = Client().get("/metrics")

        assert response.status_code == 200
        told = samples_of(response.content.decode())
        assert told["nexusmeme_cache_up", ()] == told["nexusmeme_fetcher_running", ()] == 1

    def test_it_is_text_that_nobody_may_keep_and_takes_no_post(self) -> None:
        response = Client().get("/metrics")

        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "no-store" in response.headers["Cache-Control"]
        assert Client().post("/metrics").status_code == 405

    @pytest.mark.django_db  # a request by WSGI ends with a look at the database's connections
    def test_layer_and_view_count_the_same(self, redis_client: redis.Redis) -> None:
        PriceKeys(redis_client).write(*PAIRS)
        layer = PricesLayer(get_wsgi_application())
        environ = {
            "PATH_INFO": PRICES,
            "REQUEST_METHOD": "GET",
            "HTTP_HOST": "127.0.0.1",
            "QUERY_STRING": "pairs=BTC/USDT",
        }
        for _ in range(5):
            counters = open_counters()
            counters.forget()
            b"".join(layer({**Client()._base_environ(), **environ}, lambda *_: None))
            by_layer = sum(counters.seconds["prices", 200][:-1]), sum(counters.ages_ms[:-1])
            assert Client().get(PRICES, {"pairs": "BTC/USDT"}, headers={"host": "127.0.0.1"}).status_code == 200
            both = sum(counters.seconds["prices", 200][:-1]), sum(counters.ages_ms[:-1])
            assert (by_layer, both) == ((1, 1), (2, 2))


def test_without_the_package_the_answer_says_what_to_install_and_the_app_works(redis_server: EmbeddedCache) -> None:
    program = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "print(Client().get('/metrics').status_code, Client().get('/metrics').content.decode())\n"
        "print(Client().get('/api/market-data/health').status_code)\n"
    )
    variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "nexusmeme.settings", "ENV_FILE": os.devnull, "DEBUG": "true",
                 "REDIS_URL": redis_server.url, "ALLOWED_HOSTS": "testserver"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=True
    )

    assert done.stdout.split("\n")[0].startswith("501 prometheus-client is not installed")
    assert done.stdout.split()[-1] == "200"


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("", "Not a directory"),
        ("import prometheus_client", "prometheus_client was imported before; write PROMETHEUS_MULTIPROC_DIR="),
    ],
)
def test_a_folder_that_cannot_be_used_costs_the_sums_alone_and_is_logged_once(
    tmp_path: Path, before: str, reason: str
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    folder = tmp_path if before else in_the_way / "folder"
    ended = ask_in_a_process(PRICES, PRICES, "/metrics", "/metrics", folder=folder, before=before)

    told = samples_of(ended.stdout)
    assert told["nexusmeme_served_answers_total", (("endpoint", "prices"), ("status", "503"))] == 2
    (line,) = [line for line in ended.stderr.splitlines() if "MARKET_DATA_METRICS_FOLDER" in line]
    assert "MARKET_DATA_METRICS_FOLDER cannot be used" in line
    assert reason in line
    assert worker_files(tmp_path) == []
