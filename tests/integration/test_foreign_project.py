"""The app in a project of somebody else: built as a wheel, installed as documented, read by its readers."""

import json
import re
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from packaging.requirements import Requirement

from development.embedded_cache import EmbeddedCache
from development.loopback import free_port
from exchange_simulator.server import RunningSimulator
from tests.foreign_project import REPOSITORY, ForeignProject, documented_steps
from tests.metrics_text import samples_of
from tests.process_facts import wait_until

# Everything that a grown project may have otherwise: language, prefixes, defaults of REST framework, other caches.
OTHER_HABITS = """
LANGUAGE_CODE = "de"
USE_THOUSAND_SEPARATOR = True
MIDDLEWARE.insert(2, "django.middleware.locale.LocaleMiddleware")
STATIC_URL = "/assets/v1/"
INSTALLED_APPS += ["rest_framework"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"anon": "1/day"},
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.QueryParameterVersioning",
    "ALLOWED_VERSIONS": ["v1"],
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}, "prices": CACHES["market_data"]}
MARKET_DATA_CACHE_ALIAS = "prices"
"""
OTHER_ADDRESSES = """
from django.conf.urls.i18n import i18n_patterns

urlpatterns = urlpatterns[:1] + i18n_patterns(path("kurse/", include("market_data.urls")))
urlpatterns += [path("intern/", include("market_data.metrics.urls"))]
"""
TELL_WHAT_IS_LOADED = """
import sys
import market_data.admin, market_data.prices, market_data.urls
print(market_data.__file__)
print([name for name in ("nexusmeme", "whitenoise", "environ", "granian", "exchange_simulator") if name in sys.modules])
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture(scope="module")
def project(
    exchange: RunningSimulator, redis_server: EmbeddedCache, tmp_path_factory: pytest.TempPathFactory
) -> ForeignProject:
    """The project as it is when every documented step that ends has been followed."""
    variables = {
        "REDIS_URL": redis_server.url,
        "BINANCE_API_BASE_URL": exchange.base_url,
        "BINANCE_API_FALLBACK_URLS": "[]",
    }
    made = ForeignProject(tmp_path_factory.mktemp("foreign"), variables)
    made.do(documented_steps())
    return made


@pytest.fixture
def site(project: ForeignProject, redis_server: EmbeddedCache, tmp_path: Path) -> Iterator[str]:
    """The address of the running project, with a fetcher whose first prices have come."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        fetch, serve = (re.sub(r" +#.*", "", command) for command in documented_steps().long_running)
        port = free_port()
        with (
            project.running(fetch, tmp_path / "fetcher.log"),
            project.running(f"{serve} --noreload 127.0.0.1:{port}", tmp_path / "web.log"),
        ):
            wait_until(lambda: client.exists("market_data:BTC/USDT") == 1, "the first price", 90)
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: answers(url), "the first answer", 90)
            yield url


def answers(url: str) -> bool:
    try:
        get(url)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as response:
        text: str = response.read().decode()
    return text


def assert_serves(site: str, prefix: str, static: str) -> None:
    """Read a price through API and page, and every file that the page asks for."""
    record = json.loads(get(f"{site}{prefix}api/market-data/prices?pairs=BTC/USDT"))["BTC/USDT"]
    page = get(site + prefix)
    card = re.search(r'data-pair="BTC/USDT" data-state="live".*?data-field="price"[^>]*>([\d,.]+)<', page, re.DOTALL)
    files = re.findall(rf'(?:src|href)="({static}market_data/[^"]+)"', page)

    assert record["price"] > 0
    assert card
    assert float(card[1].replace(",", "")) > 0
    assert json.loads(get(f"{site}{prefix}api/market-data/init"))["fetcher"]["isRunning"]
    assert {Path(file).suffix for file in files} >= {".js", ".css"}
    assert all(get(site + file) for file in files)


def test_the_documented_steps_lead_to_a_price_through_api_and_page(project: ForeignProject, site: str) -> None:
    assert_serves(site, "/market/", "/static/")


def test_the_documented_example_reads_prices_on_the_server(project: ForeignProject, site: str) -> None:
    (example,) = documented_steps().python
    (project.folder / "example.py").write_text(example)
    lines = project.run("python manage.py shell --no-imports < example.py").splitlines()

    read = [line.split() for line in lines]
    assert [words[0] for words in read] == ["BTC/USDT", "ETH/USDT"]
    assert all(re.fullmatch(r"\d+\.\d+ \d{13} \d+ False", " ".join(words[1:])) for words in read)


def test_the_project_runs_on_the_wheel_and_passes_its_checks(project: ForeignProject) -> None:
    where, strangers = project.run(f"python manage.py shell --no-imports -c '{TELL_WHAT_IS_LOADED}'").splitlines()

    assert Path(where).is_relative_to(project.root / "venv")
    assert strangers == "[]"
    assert "no issues" in project.run("python manage.py check --fail-level WARNING")
    assert "No changes detected" in project.run("python manage.py makemigrations --check --dry-run")


def test_its_status_comes_without_this_site(project: ForeignProject, site: str) -> None:
    content = json.loads(project.run("python manage.py market_status --json"))

    assert content["status"] == "healthy"
    pairs = next(row for row in content["settings"] if row["name"] == "TRADING_PAIRS")
    assert (pairs["source"], pairs["value"]) == ("Django settings", '["BTC/USDT","ETH/USDT"]')
    assert {row["source"] for row in content["settings"] if row["name"].startswith("BINANCE")} == {"environment"}


def test_it_serves_in_a_project_with_other_habits(project: ForeignProject, request: pytest.FixtureRequest) -> None:
    settings, urls = (project.folder / "mysite" / name for name in ("settings.py", "urls.py"))
    before = settings.read_text(), urls.read_text()
    settings.write_text(before[0] + OTHER_HABITS)
    urls.write_text(before[1] + OTHER_ADDRESSES)
    try:
        site = request.getfixturevalue("site")

        assert_serves(site, "/de/kurse/", "/assets/v1/")
        told = samples_of(get(f"{site}/intern/metrics"))
        assert told["nexusmeme_fetcher_running", ()] == 1
        assert told["nexusmeme_served_answers_total", (("endpoint", "prices"), ("status", "200"))] >= 1
    finally:
        settings.write_text(before[0])
        urls.write_text(before[1])


def test_the_wheel_has_what_the_app_needs_and_nothing_of_this_site(project: ForeignProject) -> None:
    (wheel,) = (project.root / "source" / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if ".dist-info/" not in name}

    ours = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "market_data").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files == ours
    assert {"market_data/py.typed", "market_data/templates/market_data/dashboard.html"} < files
    assert {"market_data/static/market_data/dashboard.js", "market_data/migrations/__init__.py"} < files
    assert {name.partition("/")[0] for name in files} == {"market_data"}


def test_the_package_admits_the_versions_that_the_tests_run_with(project: ForeignProject) -> None:
    (wheel,) = (project.root / "source" / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith("METADATA"))).decode()
    needed = [Requirement(line) for line in re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)]
    lines = (REPOSITORY / "requirements.txt").read_text().lower()
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", lines, re.MULTILINE))

    assert len(needed) >= 6
    assert [str(need) for need in needed if not need.specifier.contains(pinned[need.name.lower()])] == []
