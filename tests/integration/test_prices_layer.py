"""The layer before Django: byte for byte Django's answer, at no cost to Django where it may answer itself."""

import gzip
import itertools
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode
from wsgiref.util import setup_testing_defaults

import pytest
import redis
from django.conf import LazySettings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from development.embedded_cache import EmbeddedCache
from market_data.api import prices_layer, views
from market_data.api.prices_layer import PricesLayer
from market_data.ticker_cache.snapshot import PriceSnapshot, open_price_snapshots
from tests.web_site import PriceKeys, record

PATH = "/api/market-data/prices"
PAIRS = [*(f"C{number}/USDT" for number in range(12)), "币安人生/USDT"]
LIFE_MS = 600_000
MIDDLEWARE = f"{__name__}."

# A request by WSGI ends with a look at the database's connections
pytestmark = [pytest.mark.usefixtures("ticker_cache"), pytest.mark.django_db]


def adds_a_constant(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Project"] = "ours"
        return response

    return answer


class Doors:
    """The layer over a Django that counts what reaches it."""

    def __init__(self) -> None:
        self.django_answers = 0
        self._django = get_wsgi_application()
        self.layer = PricesLayer(self._counted)

    def _counted(self, environ: Any, start_response: Any) -> Any:
        self.django_answers += 1
        return self._django(environ, start_response)

    def by_layer(self, **environ: str) -> tuple[str, list[tuple[str, str]], bytes]:
        return self._ask(self.layer, environ)

    def by_django(self, **environ: str) -> tuple[str, list[tuple[str, str]], bytes]:
        return self._ask(self._django, environ)

    def costs_django(self, **environ: str) -> int:
        before = self.django_answers
        self.by_layer(**environ)
        return self.django_answers - before

    def _ask(self, application: Any, changes: dict[str, str]) -> tuple[str, list[tuple[str, str]], bytes]:
        environ = {"PATH_INFO": PATH, "QUERY_STRING": "", "HTTP_HOST": "127.0.0.1", **changes}
        setup_testing_defaults(environ)
        told: list[Any] = []
        response = application(environ, lambda status, headers, error=None: told.extend([status, headers]))
        body = b"".join(response)
        if hasattr(response, "close"):
            response.close()
        times = [value for name, value in told[1] if name == "X-Market-Data-Time"]
        assert len(times) <= 1
        assert all(time.isdigit() for time in times)
        return told[0], [(name, "" if name == "X-Market-Data-Time" else value) for name, value in told[1]], body


@pytest.fixture(autouse=True)
def site_settings(settings: LazySettings, request: pytest.FixtureRequest) -> LazySettings:
    """The site's settings, with those that a test is parametrized by."""
    settings.TRADING_PAIRS = PAIRS
    settings.MARKET_DATA_CACHE_TTL_MS = LIFE_MS  # so that nothing here depends on the speed of the machine
    settings.ALLOWED_HOSTS = ["127.0.0.1", "prices.example.org"]
    for name, value in getattr(request, "param", {}).items():
        setattr(settings, name, value)
    return settings


@pytest.fixture
def doors(site_settings: LazySettings) -> Doors:
    return Doors()


@pytest.fixture
def keys(redis_client: redis.Redis) -> PriceKeys:
    keys = PriceKeys(redis_client)
    keys.write(*PAIRS)
    return keys


class OneSnapshot:
    """One snapshot for both doors, at whatever time the test says."""

    def __init__(self) -> None:
        self.snapshot, self.now_ms = open_price_snapshots().current()

    def current(self) -> tuple[PriceSnapshot, int]:
        return self.snapshot, self.now_ms


@pytest.fixture
def one_snapshot(keys: PriceKeys, monkeypatch: pytest.MonkeyPatch) -> OneSnapshot:
    one = OneSnapshot()
    for module in (prices_layer, views):
        monkeypatch.setattr(module, "open_price_snapshots", lambda: one)
    return one


NAMES = st.lists(st.sampled_from([*PAIRS, "XYZ/USDT", "c1/usdt", "nonsense", ""]), min_size=1, max_size=16)
QUERIES = st.one_of(
    st.just(""),
    NAMES.map(lambda names: "pairs=" + quote(",".join(names), safe="/,")),
    st.tuples(NAMES, st.sampled_from(["0", "1", "60000", "-1", "9" * 15])).map(
        lambda asked: urlencode({"pairs": ",".join(asked[0]), "maxStaleMs": asked[1]})
    ),
    st.sampled_from(["maxStaleMs=86400000", "format=html", "pairs=%0d%0aX:1/USD", "pairs=C1/USDT&pairs=C2/USDT"]),
    st.text(st.characters(max_codepoint=255), max_size=60),
)
REQUESTS = st.fixed_dictionaries(
    {"QUERY_STRING": QUERIES},
    optional={
        "REQUEST_METHOD": st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"]),
        "HTTP_ACCEPT_ENCODING": st.sampled_from(
            ["gzip", "br, gzip;q=0.5", "gzip;q=0", "gzip;q=x", "identity", "*", "GZIP", ""]
        ),
        "HTTP_IF_NONE_MATCH": st.sampled_from(["<tag>", "W/<tag>", '"other", <tag>', "*", '"other"', "", "\xff"]),
        "HTTP_HOST": st.sampled_from(
            ["127.0.0.1", "127.0.0.1:8000", "Prices.example.org.", "[::1]", "localhost", "evil.test", "\xff", ""]
        ),
        "HTTP_ACCEPT": st.sampled_from(["text/html", "application/json", "image/png"]),
        "HTTP_COOKIE": st.just("sessionid=1"),
        "HTTP_ORIGIN": st.just("https://elsewhere.test"),
        "HTTP_RANGE": st.just("bytes=0-1"),
        "HTTP_IF_MATCH": st.just('"other"'),
        "HTTP_X_FORWARDED_PROTO": st.sampled_from(["http", "https", "https, http", " https", ""]),
        "HTTP_X_FORWARDED_HOST": st.sampled_from(["prices.example.org", "evil.test", ""]),
        "HTTP_USER_AGENT": st.sampled_from(["good", "evil"]),
        "SCRIPT_NAME": st.sampled_from(["", "/mounted"]),
        "PATH_INFO": st.sampled_from([PATH, PATH + "/", "/mounted" + PATH, "/api/market-data/health"]),
        "wsgi.url_scheme": st.sampled_from(["http", "https"]),
    },
)


OVER_HTTPS = {
    "SECURE_SSL_REDIRECT": True,
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "SECURE_HSTS_SECONDS": 60,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_HSTS_PRELOAD": True,
}
SITES: dict[str, dict[str, Any]] = {
    "over HTTP too": {"SECURE_HSTS_SECONDS": 60},
    "over HTTPS alone, behind a proxy": OVER_HTTPS,
    "behind a proxy that names the host": {"USE_X_FORWARDED_HOST": True},
    "with www": {"PREPEND_WWW": True, "ALLOWED_HOSTS": ["*"]},
    "as Django begins a project": {
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        "SECURE_REFERRER_POLICY": "no-referrer",
        "X_FRAME_OPTIONS": "SAMEORIGIN",
    },
    "not for everybody": {"DISALLOWED_USER_AGENTS": [re.compile("evil")]},
}


@pytest.mark.parametrize("site_settings", SITES.values(), ids=SITES, indirect=True)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    current=st.sets(st.sampled_from(PAIRS)),
    last_known=st.sets(st.sampled_from(PAIRS)),
    source=st.sampled_from(["binance", "simulator"]),
    request=REQUESTS,
)
def test_both_doors_give_the_same_status_headers_and_bytes(
    doors: Doors,
    redis_client: redis.Redis,
    current: set[str],
    last_known: set[str],
    source: str,
    request: dict[str, str],
) -> None:
    redis_client.flushall()
    keys = PriceKeys(redis_client)
    keys.write(*sorted(last_known), age_ms=LIFE_MS + 30_000, is_current=False)
    keys.write(*sorted(current))
    keys.set_source(source)
    open_price_snapshots.cache_clear()
    if (names := request.get("HTTP_IF_NONE_MATCH")) is not None:
        _, headers, _ = doors.by_django(**{**request, "REQUEST_METHOD": "GET"})
        request["HTTP_IF_NONE_MATCH"] = names.replace("<tag>", dict(headers).get("ETag", '"none"'))

    answers = [doors.by_layer(**request), doors.by_django(**request), doors.by_layer(**request)]

    if "/health" not in request.get("PATH_INFO", ""):
        assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", "200"),
        ("pairs=C1/USDT", "200"),
        ("maxStaleMs=1000", "200"),
        ("pairs=C1/USDT,C2/USDT", "206"),
        ("pairs=C1/USDT,NEW/USDT", "206"),
        ("pairs=", "400"),
        ("pairs=NEW/USDT", "503"),
    ],
)
def test_the_layer_answers_a_plain_get_alone_whatever_the_status(
    doors: Doors, keys: PriceKeys, query: str, status: str
) -> None:
    keys.write("NEW/USDT")
    if query == "pairs=C1/USDT,C2/USDT":
        keys.expire("C2/USDT")

    answer = doors.by_layer(QUERY_STRING=query)
    assert answer[0].startswith(status)
    if tag := dict(answer[1]).get("ETag"):
        assert doors.by_layer(QUERY_STRING=query, HTTP_IF_NONE_MATCH=tag)[0] == "304 Not Modified"
    assert doors.django_answers == 0


@pytest.mark.parametrize(
    "environ",
    [
        {"REQUEST_METHOD": "HEAD"},
        {"REQUEST_METHOD": "POST"},
        {"PATH_INFO": "/api/market-data/health"},
        {"HTTP_HOST": "evil.test"},
        {"HTTP_HOST": "127.0.0.1" + "0" * 2_000},
        {"HTTP_COOKIE": "sessionid=1"},
        {"HTTP_AUTHORIZATION": "Basic eDp5"},
        {"HTTP_RANGE": "bytes=0-1"},
        {"HTTP_IF_MATCH": '"another"'},
        {"HTTP_IF_UNMODIFIED_SINCE": "Mon, 01 Jan 2001 00:00:00 GMT"},
    ],
)
def test_whatever_is_no_plain_get_is_django_s(doors: Doors, keys: PriceKeys, environ: dict[str, str]) -> None:
    assert doors.costs_django(**environ) == 1
    assert doors.costs_django() == 0


def test_an_answer_that_is_kept_ends_with_the_life_of_its_prices(doors: Doors, one_snapshot: OneSnapshot) -> None:
    ends_at_ms = LIFE_MS + min(stored.received_at_ms for stored in one_snapshot.snapshot.reading.current.values())
    one_snapshot.now_ms = ends_at_ms - 1
    assert doors.by_layer()[0] == "200 OK"

    one_snapshot.now_ms = ends_at_ms
    assert doors.by_layer()[0] == "200 OK"
    one_snapshot.now_ms = ends_at_ms + 1
    assert doors.by_layer()[0] != "200 OK"


def test_a_host_that_django_does_not_serve_gets_its_400_also_when_others_are_known(doors: Doors, keys) -> None:
    doors.by_layer()
    for _ in range(3):
        assert doors.by_layer(HTTP_HOST="evil.test")[0] == "400 Bad Request"


@pytest.mark.parametrize("site_settings", [OVER_HTTPS], indirect=True)
def test_over_plain_http_a_site_that_is_https_only_redirects_and_over_https_it_has_hsts(
    doors: Doors, keys: PriceKeys
) -> None:
    assert doors.costs_django(HTTP_X_FORWARDED_PROTO="https") == 0
    policy = dict(doors.by_layer(HTTP_X_FORWARDED_PROTO="https")[1])["Strict-Transport-Security"]
    assert policy == "max-age=60; includeSubDomains; preload"
    assert doors.by_layer()[0] == doors.by_layer(HTTP_X_FORWARDED_PROTO="http")[0] == "301 Moved Permanently"


def test_the_address_follows_the_project_s_urls_wherever_it_is_mounted(doors: Doors, keys: PriceKeys) -> None:
    assert doors.costs_django(SCRIPT_NAME="/mounted") == 0
    assert doors.costs_django(PATH_INFO="/mounted" + PATH) == 1


def test_what_middleware_of_the_project_s_own_adds_is_on_django_s_answers_alone(
    site_settings: LazySettings, keys: PriceKeys
) -> None:
    site_settings.MIDDLEWARE = [MIDDLEWARE + "adds_a_constant", *site_settings.MIDDLEWARE]
    doors = Doors()

    assert ("X-Project", "ours") in doors.by_django()[1]
    assert ("X-Project", "ours") not in doors.by_layer()[1]
    assert doors.django_answers == 0


@pytest.mark.parametrize("site_settings", [{"DEBUG": True, "ALLOWED_HOSTS": []}], indirect=True)
def test_in_development_the_layer_serves_the_hosts_that_django_serves(doors: Doors, keys: PriceKeys) -> None:
    for host in ("localhost:8000", "shop.localhost", "127.0.0.1", "[::1]:8000"):
        assert doors.costs_django(HTTP_HOST=host) == 0
    assert doors.by_layer(HTTP_HOST="prices.example.org")[0] == "400 Bad Request"


@pytest.mark.parametrize("site_settings", [{"ALLOWED_HOSTS": ["*"]}], indirect=True)
def test_no_number_of_hosts_makes_the_layer_grow(doors: Doors, keys: PriceKeys) -> None:
    for number in range(1_000):
        assert doors.costs_django(HTTP_HOST=f"host{number}.test") == 0

    assert doors.layer._is_host_served.cache_info().currsize == 256


def test_without_redis_both_doors_say_so(doors: Doors, django_cache_at: Callable[[str], object]) -> None:
    with EmbeddedCache() as server:
        django_cache_at(server.url)
    answers = [door(QUERY_STRING="pairs=C1/USDT") for door in (doors.by_layer, doors.by_django, doors.by_layer)]

    assert answers[0][0] == "503 Service Unavailable"
    assert all(first == second for first, second in itertools.pairwise(answers))


def test_a_large_answer_is_compressed_and_has_a_tag_of_its_own(doors: Doors, keys: PriceKeys) -> None:
    _, plain_headers, plain = doors.by_layer()
    _, headers, body = doors.by_layer(HTTP_ACCEPT_ENCODING="gzip, br")
    tags = dict(plain_headers)["ETag"], dict(headers)["ETag"]

    assert gzip.decompress(body) == plain
    assert len(body) < len(plain) / 2
    assert tags[0] != tags[1]
    assert dict(headers)["Vary"] == dict(plain_headers)["Vary"] == "Accept-Encoding"
    assert doors.by_layer(HTTP_ACCEPT_ENCODING="gzip", HTTP_IF_NONE_MATCH=tags[0])[0] == "200 OK"
    assert doors.by_layer(HTTP_ACCEPT_ENCODING="gzip", HTTP_IF_NONE_MATCH=tags[1])[0] == "304 Not Modified"
    assert record("C1/USDT").pair.encode() in plain
