"""The layer before Django: byte for byte Django's answer, at no cost to Django where it may answer itself."""

import gzip
import itertools
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode
from wsgiref.util import setup_testing_defaults

import pytest
import redis
from django.conf import LazySettings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from development.embedded_cache import EmbeddedCache
from market_data.api import prices_layer, views
from market_data.api.middleware_headers import MAX_KINDS, RELEARN_MS
from market_data.api.prices_layer import PricesLayer
from market_data.ticker_cache.snapshot import PriceSnapshot, open_price_snapshots
from tests.process_facts import wait_until
from tests.web_site import PriceKeys, record

PATH = "/api/market-data/prices"
PAIRS = [*(f"C{number}/USDT" for number in range(12)), "币安人生/USDT"]
LIFE_MS = 600_000
MIDDLEWARE = f"{__name__}."

pytestmark = pytest.mark.usefixtures("ticker_cache")


def adds_a_constant(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Project"] = "ours"
        return response

    return answer


def adds_a_number(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Request-Id"] = uuid.uuid4().hex
        return response

    return answer


def greets_origins(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        patch_vary_headers(response, ["Origin"])
        if origin := request.headers.get("Origin"):
            response["Access-Control-Allow-Origin"] = origin
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
def site_settings(settings: LazySettings) -> LazySettings:
    settings.TRADING_PAIRS = PAIRS
    settings.MARKET_DATA_CACHE_TTL_MS = LIFE_MS  # so that nothing here depends on the speed of the machine
    settings.ALLOWED_HOSTS = ["127.0.0.1", "prices.example.org"]
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


def learn(doors: Doors, **environ: str) -> None:
    for _ in range(2):
        doors.by_layer(**environ)


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
        "HTTP_ACCEPT_ENCODING": st.sampled_from(["gzip", "br, gzip;q=0.5", "gzip;q=0", "identity", "*", "GZIP", ""]),
        "HTTP_IF_NONE_MATCH": st.sampled_from(["<tag>", "W/<tag>", '"other", <tag>', "*", '"other"', "", "\xff"]),
        "HTTP_HOST": st.sampled_from(["127.0.0.1", "127.0.0.1:8000", "prices.example.org", "evil.test", "\xff", ""]),
        "HTTP_ACCEPT": st.sampled_from(["text/html", "application/json", "image/png"]),
        "HTTP_COOKIE": st.just("sessionid=1"),
        "HTTP_ORIGIN": st.just("https://elsewhere.test"),
        "HTTP_RANGE": st.just("bytes=0-1"),
        "SCRIPT_NAME": st.sampled_from(["", "/mounted"]),
        "PATH_INFO": st.sampled_from([PATH, PATH + "/", "/mounted" + PATH, "/api/market-data/health"]),
        "wsgi.url_scheme": st.sampled_from(["http", "https"]),
    },
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    answers += [doors.by_layer(**request), doors.by_django(**request)]

    for answer in answers[1:]:
        if "/health" not in request.get("PATH_INFO", ""):
            assert answer == answers[0]


@pytest.mark.parametrize(
    ("query", "status"),
    [("", "200 OK"), ("pairs=C1/USDT", "200 OK"), ("maxStaleMs=1000", "200 OK"), ("pairs=C1/USDT,C2/USDT", "206")],
)
def test_once_it_knows_the_middleware_the_layer_answers_alone(
    doors: Doors, keys: PriceKeys, query: str, status: str
) -> None:
    if status == "206":
        keys.expire("C2/USDT")
    learn(doors, QUERY_STRING=query)
    answer = doors.by_layer(QUERY_STRING=query)

    assert answer[0].startswith(status)
    assert doors.costs_django(QUERY_STRING=query) == 0
    tag = {"HTTP_IF_NONE_MATCH": dict(answer[1])["ETag"]}
    learn(doors, QUERY_STRING=query, **tag)
    assert doors.by_layer(QUERY_STRING=query, **tag)[0] == "304 Not Modified"
    assert doors.costs_django(QUERY_STRING=query, **tag) == 0


@pytest.mark.parametrize(
    "environ",
    [
        {"REQUEST_METHOD": "HEAD"},
        {"REQUEST_METHOD": "POST"},
        {"QUERY_STRING": "pairs="},
        {"QUERY_STRING": "pairs=XYZ/USDT"},
        {"PATH_INFO": "/api/market-data/health"},
        {"HTTP_HOST": "evil.test"},
        {"HTTP_COOKIE": "sessionid=1"},
        {"HTTP_AUTHORIZATION": "Basic eDp5"},
        {"HTTP_HOST": "127.0.0.1" + "0" * 2_000},
    ],
)
def test_whatever_is_no_plain_success_is_django_s(doors: Doors, keys: PriceKeys, environ: dict[str, str]) -> None:
    learn(doors)
    learn(doors, **environ)

    assert doors.costs_django(**environ) == 1
    assert doors.costs_django() == 0


@pytest.mark.parametrize("precondition", ["HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"])
def test_preconditions_that_middleware_may_refuse_are_django_s(
    site_settings: LazySettings, keys: PriceKeys, precondition: str
) -> None:
    site_settings.MIDDLEWARE = ["django.middleware.http.ConditionalGetMiddleware", *site_settings.MIDDLEWARE]
    doors = Doors()
    learn(doors)
    refused = {precondition: '"another"' if precondition == "HTTP_IF_MATCH" else "Mon, 01 Jan 2001 00:00:00 GMT"}

    assert doors.costs_django() == 0
    assert doors.by_layer(**refused) == doors.by_django(**refused)
    assert doors.costs_django(**refused) == 1


def test_a_pair_that_is_not_configured_is_the_layer_s_too_once_it_is_read_along(doors: Doors, keys: PriceKeys) -> None:
    keys.write("NEW/USDT")
    query = "pairs=C1/USDT,NEW/USDT"
    learn(doors)

    wait_until(lambda: doors.costs_django(QUERY_STRING=query) == 0, "an answer of the layer")
    assert doors.by_layer(QUERY_STRING=query)[0] == "200 OK"


def test_an_answer_that_is_kept_ends_with_the_life_of_its_prices(doors: Doors, one_snapshot: OneSnapshot) -> None:
    ends_at_ms = LIFE_MS + min(stored.received_at_ms for stored in one_snapshot.snapshot.reading.current.values())
    one_snapshot.now_ms = ends_at_ms - 1
    learn(doors)
    assert doors.by_layer()[0] == "200 OK"

    one_snapshot.now_ms = ends_at_ms
    assert doors.costs_django() == 0
    assert doors.by_layer()[0] == "200 OK"
    one_snapshot.now_ms = ends_at_ms + 1
    assert doors.by_layer()[0] != "200 OK"


def test_an_answer_that_is_kept_ends_with_what_was_learned(doors: Doors, one_snapshot: OneSnapshot) -> None:
    learn(doors)
    assert doors.costs_django() == 0

    one_snapshot.now_ms += RELEARN_MS - 1
    assert doors.costs_django() == 0
    one_snapshot.now_ms += 1
    assert doors.costs_django() == 1


def test_a_host_that_django_does_not_serve_gets_its_400_also_when_others_are_known(doors: Doors, keys) -> None:
    learn(doors)
    for _ in range(3):
        assert doors.by_layer(HTTP_HOST="evil.test")[0] == "400 Bad Request"


def test_over_plain_http_a_site_that_is_https_only_redirects_and_over_https_it_has_hsts(
    site_settings: LazySettings, keys: PriceKeys
) -> None:
    site_settings.SECURE_SSL_REDIRECT = True
    site_settings.SECURE_HSTS_SECONDS = 60
    site_settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    doors = Doors()
    learn(doors, HTTP_X_FORWARDED_PROTO="https")

    assert doors.costs_django(HTTP_X_FORWARDED_PROTO="https") == 0
    assert dict(doors.by_layer(HTTP_X_FORWARDED_PROTO="https")[1])["Strict-Transport-Security"] == "max-age=60"
    for _ in range(3):
        assert doors.by_layer()[0] == doors.by_layer(HTTP_X_FORWARDED_PROTO="http")[0] == "301 Moved Permanently"


def test_a_user_agent_that_the_project_refuses_stays_refused(site_settings: LazySettings, keys: PriceKeys) -> None:
    site_settings.DISALLOWED_USER_AGENTS = [re.compile("evil")]
    doors = Doors()
    learn(doors, HTTP_USER_AGENT="good")

    assert doors.costs_django(HTTP_USER_AGENT="good") == 0
    assert doors.by_layer(HTTP_USER_AGENT="evil")[0] == "403 Forbidden"


def test_the_address_follows_the_project_s_urls_wherever_it_is_mounted(doors: Doors, keys: PriceKeys) -> None:
    learn(doors, SCRIPT_NAME="/mounted")

    assert doors.costs_django(SCRIPT_NAME="/mounted") == 0
    assert doors.costs_django(PATH_INFO="/mounted" + PATH) == 1


def test_what_middleware_always_adds_is_on_the_layer_s_answers_too(site_settings: LazySettings, keys) -> None:
    site_settings.MIDDLEWARE = [MIDDLEWARE + "adds_a_constant", *site_settings.MIDDLEWARE]
    doors = Doors()
    learn(doors)

    assert doors.costs_django() == 0
    assert dict(doors.by_layer()[1])["X-Project"] == "ours"


def test_two_layers_of_one_process_add_what_their_own_middleware_adds(site_settings: LazySettings, keys) -> None:
    plain = Doors()
    site_settings.MIDDLEWARE = [*site_settings.MIDDLEWARE, f"{MIDDLEWARE}adds_a_constant"]
    ours = Doors()
    for doors in (plain, ours):
        learn(doors)

    assert ("X-Project", "ours") in ours.by_layer()[1]
    assert ("X-Project", "ours") not in plain.by_layer()[1]
    assert plain.costs_django() == ours.costs_django() == 0


def test_where_middleware_adds_something_else_each_time_django_answers(site_settings: LazySettings, keys) -> None:
    site_settings.MIDDLEWARE = [MIDDLEWARE + "adds_a_number", *site_settings.MIDDLEWARE]
    doors = Doors()
    numbers = {dict(doors.by_layer()[1])["X-Request-Id"] for _ in range(6)}

    assert len(numbers) == doors.django_answers == 6


def test_a_header_that_vary_names_leads_to_django_and_its_absence_does_not(site_settings: LazySettings, keys) -> None:
    site_settings.MIDDLEWARE = [MIDDLEWARE + "greets_origins", *site_settings.MIDDLEWARE]
    doors = Doors()
    learn(doors, HTTP_ORIGIN="https://a.test")
    learn(doors)

    assert doors.costs_django() == 0
    assert dict(doors.by_layer()[1])["Vary"] == "Accept-Encoding, Origin"
    for origin in ("https://a.test", "https://b.test"):
        answer = doors.by_layer(HTTP_ORIGIN=origin)
        assert dict(answer[1])["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("middleware", ["django.middleware.gzip.GZipMiddleware"])
def test_where_middleware_changes_the_answer_itself_django_answers(
    site_settings: LazySettings, keys, middleware: str
) -> None:
    site_settings.MIDDLEWARE = [middleware, *site_settings.MIDDLEWARE]
    doors = Doors()
    asked = {"QUERY_STRING": "pairs=C1/USDT,C2/USDT", "HTTP_ACCEPT_ENCODING": "gzip"}  # too short for our own gzip
    learn(doors, **asked)

    assert doors.costs_django(**asked) == 1
    assert dict(doors.by_layer(**asked)[1])["Content-Encoding"] == "gzip"


def test_no_number_of_hosts_or_headers_makes_the_layer_grow_or_forget_those_in_use(
    site_settings: LazySettings, keys
) -> None:
    site_settings.ALLOWED_HOSTS = ["*"]
    doors = Doors()
    learn(doors)
    for number in range(2 * MAX_KINDS):
        doors.by_layer(HTTP_HOST=f"host{number}.test")

    assert len(doors.layer._learned) == MAX_KINDS
    assert doors.costs_django() == 0


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
