"""Readers who mean harm, on sockets of their own, before the real web server: no 500, little time, no new keys."""

import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import psutil
import pytest
import redis
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from development.embedded_cache import EmbeddedCache
from exchange_simulator.server import RunningSimulator
from tests.integration.command_log import CommandLog
from tests.web_site import PAIRS, PriceKeys, WebSite, migrated_database

PRICES = b"/api/market-data/prices"
HISTORY = b"/api/market-data/history"
MOST_SECONDS = 2.0
MOST_GROWTH_BYTES = 48 * 1024 * 1024
CONTRACT_KEY = re.compile(
    r"market_data(_last|_history)?:[^\s:]{1,400}/[^\s:/]{1,400}|market_data_fetcher:(status|source|lease)"
)
READER = ("reader", "a-password-of-the-tests")
# The least that the web server's user of Redis needs: to read the contract's keys.
READER_RIGHTS = (
    "reset on >{} %R~market_data:* %R~market_data_last:* %R~market_data_history:* %R~market_data_fetcher:* "
    "-@all +mget +get +lrange +time +client "
)
CONNECTION_RIGHTS = "+select +ping +hello +auth"
HEADER_NAMES = {
    "access-control-allow-origin", "access-control-expose-headers", "allow", "cache-control", "connection",
    "content-encoding", "content-language", "content-length", "content-security-policy",
    "content-type", "cross-origin-opener-policy", "cross-origin-resource-policy", "date", "etag", "location",
    "permissions-policy", "referrer-policy", "retry-after", "server", "transfer-encoding", "vary",
    "x-content-type-options", "x-frame-options", "x-market-data-missing", "x-market-data-source", "x-market-data-time",
}  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """What came back, `status` None where the server hung up without a word."""

    status: int | None
    headers: dict[str, str]
    body: bytes
    seconds: float


@dataclass(frozen=True)
class Stage:
    """The real web server in production mode between a cache that logs its commands and an exchange that counts."""

    site: WebSite
    exchange: RunningSimulator
    commands: CommandLog
    refusals: Callable[[], list[object]]

    def ask(self, request: bytes) -> Reply:
        """Send these bytes and return the first answer."""
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.site.port), timeout=10) as connection:
            with suppress(OSError):  # a server may answer and hang up before it has read everything
                connection.sendall(request)
            answer = http.client.HTTPResponse(connection)
            try:
                answer.begin()
                body = answer.read()
            except (http.client.HTTPException, OSError):
                return Reply(None, {}, b"", time.monotonic() - began)
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, headers, body, time.monotonic() - began)

    def memory_bytes(self) -> int:
        workers = psutil.Process(self.site.pid).children(recursive=True)
        return sum(worker.memory_info().rss for worker in workers)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        exchange = stack.enter_context(RunningSimulator(symbols=5, seed=1))
        cache = stack.enter_context(EmbeddedCache())
        owner = stack.enter_context(redis.Redis.from_url(cache.url))
        name, password = READER
        owner.execute_command("ACL", "SETUSER", name, *(READER_RIGHTS.format(password) + CONNECTION_RIGHTS).split())
        keys = PriceKeys(owner)
        keys.write(*PAIRS)
        keys.report(PAIRS)
        commands = stack.enter_context(CommandLog(cache.url))
        variables = {
            "DEBUG": "false",
            "SECRET_KEY": "for-tests-only",
            "DATABASE_URL": migrated_database(tmp_path_factory.mktemp("database")),
            "BINANCE_API_BASE_URL": exchange.base_url,
        }
        site = WebSite(f"redis://{name}:{password}@127.0.0.1:{cache.port}/0", variables).start()
        stack.callback(site.stop)
        yield Stage(site, exchange, commands, lambda: owner.acl_log())


def request(
    target: bytes, headers: bytes = b"", *, method: bytes = b"GET", version: bytes = b"HTTP/1.1", body: bytes = b""
) -> bytes:
    head = method + b" " + target + b" " + version + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    return head + headers + b"\r\n" + body


def prices(query: bytes, headers: bytes = b"") -> bytes:
    return request(PRICES + b"?" + query, headers)


def many(names: int) -> bytes:
    return b",".join(b"A%d/USDT" % number for number in range(names))


QUERIES = {
    "10,000 pairs": b"pairs=" + many(10_000),
    "6,000 pairs": b"pairs=" + many(6_000),
    "one megabyte": b"pairs=" + b"A/B," * 250_000,
    "60 kB of one name": b"pairs=" + b"A" * 60_000,
    "60 kB of commas": b"pairs=" + b"%2C" * 20_000,
    "60 kB of parameters": b"&" * 60_000,
    "a raw NUL": b"pairs=BTC/USDT\x00",
    "an encoded NUL": b"pairs=BTC/USDT%00",
    "raw bytes that are no UTF-8": b"pairs=\xff\xfe/USDT",
    "encoded bytes that are no UTF-8": b"pairs=%FF%FE/USDT",
    "an overlong slash": b"pairs=BTC%C0%AFUSDT",
    "a surrogate": b"pairs=%ED%A0%80/USDT",
    "encoded twice": b"pairs=BTC%252FUSDT",
    "half an escape": b"pairs=BTC/USDT%2",
    "no escape": b"pairs=BTC/USDT%ZZ",
    "a line break": b"pairs=BTC/USDT,X%0d%0aSet-Cookie:a=b/USD",
    "a line separator": b"pairs=BTC/USDT,X%E2%80%A8Set-Cookie/USD",
    "a next line": b"pairs=BTC/USDT,X%C2%85Set-Cookie/USD",
    "a raw carriage return": b"pairs=BTC/USDT\rSet-Cookie:a=b",
    "a key of another name": b"pairs=..%2F..%2Fmarket_data_fetcher:lease/USD",
    "a Redis command": b"pairs=A/B%0d%0aFLUSHALL%0d%0a",
    "a pattern": b"pairs=*/*",
    "letters that grow in upper case": b"pairs=" + b"%C3%9F" * 49 + b"/USDT",
    "digits of another script": b"maxStaleMs=%D9%A3",
    "the largest age": b"pairs=BTC/USDT&maxStaleMs=" + b"9" * 15,
    "a million digits": b"maxStaleMs=" + b"9" * 60_000,
    "points without end": b"points=" + b"9" * 60_000,
    "points of another script": b"points=%D9%A3",
}
TAGS = b",".join(b'"%d"' % number for number in range(9_000))
REQUESTS = {
    "a tag of 100 kB": prices(b"pairs=BTC/USDT", b'If-None-Match: "' + b"a" * 100_000 + b'"\r\n'),
    "9,000 tags": prices(b"pairs=BTC/USDT", b"If-None-Match: " + TAGS + b"\r\n"),
    "60,000 commas of tags": prices(b"pairs=BTC/USDT", b"If-None-Match: " + b"," * 60_000 + b"\r\n"),
    "tags in 80 headers": prices(b"pairs=BTC/USDT", b'If-None-Match: "a"\r\n' * 80),
    "a tag that is no text": prices(b"pairs=BTC/USDT", b"If-None-Match: \xff\xfe\r\n"),
    "1,000 headers": prices(b"", b"".join(b"X-H%d: 1\r\n" % number for number in range(1_000))),
    "a header of a megabyte": prices(b"", b"X-H: " + b"a" * 1_000_000 + b"\r\n"),
    "a NUL in a header": prices(b"", b"X-H: a\x00b\r\n"),
    "no version": b"GET " + PRICES + b"\r\n\r\n",
    "a version to come": request(PRICES, version=b"HTTP/3.7"),
    "HTTP/1.0": request(PRICES, version=b"HTTP/1.0"),
    "no host": b"GET " + PRICES + b" HTTP/1.1\r\nConnection: close\r\n\r\n",
    "a foreign host": request(PRICES).replace(b"Host: 127.0.0.1", b"Host: evil.test"),
    "a host that is none": request(PRICES).replace(b"Host: 127.0.0.1", b"Host: \xff'<script>"),
    "two hosts": request(PRICES, b"Host: evil.test\r\n"),
    "a foreign absolute target": request(b"http://evil.test" + PRICES),
    "an unknown method": request(PRICES, method=b"BREW"),
    "a method of 5 kB": request(PRICES, method=b"A" * 5_000),
    "TRACE": request(PRICES, method=b"TRACE"),
    "CONNECT": request(b"127.0.0.1:6379", method=b"CONNECT"),
    "OPTIONS of everything": request(b"*", method=b"OPTIONS"),
    "a method in a header": request(PRICES, b"X-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n", method=b"POST"),
    "a body that nobody wants": request(PRICES, b"Content-Length: 5\r\n", body=b"hello"),
    "a length without end": request(PRICES, b"Content-Length: 99999999999999999999\r\n"),
    "a negative length": request(PRICES, b"Content-Length: -1\r\n"),
    "two lengths": request(PRICES, b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", body=b"0\r\n\r\n"),
    "an unknown encoding": request(PRICES, b"Transfer-Encoding: chunkedx\r\n", body=b"0\r\n\r\n"),
    "an upgrade": request(PRICES, b"Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"),
    "a path that is no UTF-8": request(b"/api/market-data/pri%FFces"),
    "a path with NUL": request(b"/api/market-data/prices%00"),
    "out of the static files": request(b"/static/%2e%2e/%2e%2e/manage.py"),
    "a static file with NUL": request(b"/static/market_data/%00"),
    "a static file of 5 kB": request(b"/static/" + b"a" * 5_000),
    "a cookie of 20 kB": request(b"/admin/", b"Cookie: sessionid=" + b"a" * 20_000 + b"\r\n"),
    "a language of 40 kB": request(b"/", b"Accept-Language: " + b"a-" * 20_000 + b"\r\n"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
    "every byte": bytes(range(256)) * 10,
}
EVERYTHING = (
    {name: prices(query) for name, query in QUERIES.items()}
    | {f"{name}, of history": request(HISTORY + b"?" + query) for name, query in QUERIES.items()}
    | REQUESTS
)


def assert_harmless(reply: Reply) -> None:
    """Hold an answer to the contract: no 500, in time, only known headers, JSON from the API."""
    assert reply.status is None or 200 <= reply.status < 500 or reply.status == 503, reply
    assert reply.seconds < MOST_SECONDS, reply
    is_login = reply.headers.get("location", "").startswith("/admin/login/")  # which takes a bad session away
    assert reply.headers.keys() <= HEADER_NAMES | ({"set-cookie", "expires"} if is_login else set())
    assert len(reply.body) < 100_000
    if reply.headers.get("content-type", "").startswith("application/json") and reply.status != 304:
        content = json.loads(reply.body)
        assert reply.status in (200, 206) or {"error", "message"} <= content.keys()


@pytest.mark.parametrize("sent", EVERYTHING.values(), ids=EVERYTHING)
def test_no_request_however_odd_costs_more_than_a_moment_or_gives_a_500(stage: Stage, sent: bytes) -> None:
    assert_harmless(stage.ask(sent))
    assert stage.ask(prices(b"pairs=BTC/USDT")).status == 200


QUERY_BYTES = st.binary(max_size=200) | st.text(max_size=80).map(lambda text: text.encode(errors="replace"))
ENCODED = st.lists(
    st.sampled_from(["BTC", "/", "USDT", "%2F", ",", "%2C", "%", "%0d%0a", "%C0%AF", "&", "=", "+", ";"])
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=QUERY_BYTES | ENCODED.map(lambda parts: "pairs=" + "".join(parts)).map(str.encode), method=st.just(b"GET"))
@example(query=b"pairs=BTC/USDT,X%0AY/USD", method=b"HEAD")
def test_no_bytes_in_the_query_do_more_than_name_pairs_or_be_refused(stage: Stage, query: bytes, method: bytes) -> None:
    assert_harmless(stage.ask(request(PRICES + b"?" + query, method=method)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=30), value=st.binary())
def test_no_bytes_in_a_header_do_more_than_be_ignored_or_refused(stage: Stage, name: str, value: bytes) -> None:
    assert_harmless(stage.ask(prices(b"pairs=BTC/USDT", name.encode() + b": " + value + b"\r\n")))


def test_readers_who_are_slow_keep_nobody_waiting(stage: Stage) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", stage.site.port)))
            slow.sendall(prices(b"pairs=BTC/USDT")[:40])
        for _ in range(20):
            reply = stage.ask(prices(b"pairs=BTC/USDT"))
            assert reply.status == 200
            assert reply.seconds < MOST_SECONDS


def test_memory_stays_where_it_is_however_large_the_requests_are(stage: Stage) -> None:
    def attack() -> None:
        for sent in EVERYTHING.values():
            stage.ask(sent)

    attack()
    before = stage.memory_bytes()
    for _ in range(5):
        attack()

    assert stage.memory_bytes() - before < MOST_GROWTH_BYTES


def test_readers_name_only_keys_of_the_contract_write_nothing_and_never_reach_the_exchange(stage: Stage) -> None:
    for sent in EVERYTHING.values():
        stage.ask(sent)
    for path in (b"/", HISTORY, b"/api/market-data/init", b"/api/market-data/health", b"/api/market-data/pairs"):
        assert stage.ask(request(path)).status == 200

    commands = stage.commands.read()
    names = {command[0].lower() for command in commands}
    allowed = {"mget", "lrange", "time", "get", "client", "select", "hello", "auth", "ping"}
    assert {"mget", "lrange", "time"} <= names <= allowed
    keys = {key for name, *keys in commands if name.lower() in ("mget", "get") for key in keys}
    keys |= {command[1] for command in commands if command[0].lower() == "lrange"}
    assert {"market_data:BTC/USDT", "market_data_history:BTC/USDT"} <= keys
    assert [key for key in keys if not CONTRACT_KEY.fullmatch(key)] == []
    assert stage.refusals() == []
    assert stage.exchange.requests.total == 0


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.usefixtures("ticker_cache")
def test_the_bounds_are_the_app_s_own_not_only_those_of_its_web_server(client: Client, query: bytes) -> None:
    began = time.monotonic()
    response = client.get(PRICES.decode(), QUERY_STRING=query.decode("latin-1"))

    assert response.status_code in (200, 206, 400, 503)
    assert response.json()
    assert len(response.content) < 100_000
    assert time.monotonic() - began < MOST_SECONDS
