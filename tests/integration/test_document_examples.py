"""The documents' examples are run: what a real fetcher cycle brought is read as they say it is.

Statuses, headers, keys and their order, texts and counts have to be the same; figures that change with time and
market are masked.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import redis
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client

from development.embedded_cache import EmbeddedCache
from exchange_simulator.server import RunningSimulator
from market_data.ticker_cache.cache import TickerCache
from nexusmeme.settings import BASE_DIR
from tests.documents import text_of

DOCUMENTS = ("README.md", "docs/api.md", "docs/redis.md")
_BLOCK = re.compile(r"(?:<!-- example: (?P<state>.+) -->\n)?```console\n(?P<text>.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^\$ (?P<command>.+)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)

CHANGING_FIGURES = (
    {"price", "volume", "timestamp", "change24h", "high24h", "low24h"}
    | {"lastFetchTime", "lastFetchDurationMs", "fetchAttempts", "fetchSuccesses", "cacheAge"}
    | {"usedWeight", "symbolsLoadedAt", "nextCycleAt"}
)
CONTRACT_HEADERS = re.compile(r"etag|cache-control|retry-after|x-market-data-.+", re.IGNORECASE)

# Long lives, so that no answer depends on how fast the machine is.
LIFE_MS = 600_000
LIVES = {"MARKET_DATA_CACHE_TTL_MS": str(LIFE_MS), "MARKET_DATA_CACHE_STALE_TTL_MS": "300000"}


@dataclass(frozen=True)
class Example:
    """A command of a document, what it prints there, and in which state of the cache."""

    document: str
    command: str
    output: str
    state: str | None

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command)

    def __str__(self) -> str:
        return f"{self.document}: {self.command}"


def _examples(program: str) -> list[Example]:
    return [
        Example(document, found["command"], found["output"], block["state"])
        for document in DOCUMENTS
        for block in _BLOCK.finditer(text_of(document))
        for found in _COMMAND.finditer(block["text"])
        if found["command"].startswith(f"{program} ")
    ]


HTTP_EXAMPLES = _examples("curl")
REDIS_EXAMPLES = _examples("redis-cli")


@dataclass(frozen=True)
class Cycle:
    """What one cycle of a real fetcher asks the exchange, and writes into an empty cache, as Redis dumps it."""

    asked: frozenset[str]
    written: Mapping[bytes, bytes]


@pytest.fixture(scope="module")
def cycle(redis_server: EmbeddedCache) -> Cycle:
    with redis.Redis.from_url(redis_server.url) as client, RunningSimulator() as simulator:
        client.flushall()
        environment = {
            **os.environ,
            **LIVES,
            "DJANGO_SETTINGS_MODULE": "nexusmeme.settings",
            "REDIS_URL": redis_server.url,
            "BINANCE_API_BASE_URL": simulator.base_url,
            "BINANCE_API_FALLBACK_URLS": "[]",
        }
        command = [sys.executable, "manage.py", "run_market_fetcher", "--once"]
        ended = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stderr
        asked = frozenset(f"{request.method} {unquote(request.target)}" for request in simulator.requests.last(100))
        return Cycle(asked, {key: client.dump(key) for key in client.scan_iter()})


@pytest.fixture
def cache(
    cycle: Cycle, redis_client: redis.Redis, ticker_cache: TickerCache, settings: LazySettings
) -> Iterator[redis.Redis]:
    """The cache as it is while a fetcher is active."""
    for name, value in LIVES.items():
        setattr(settings, name, value)
    for key, value in cycle.written.items():
        redis_client.restore(key, LIFE_MS, value)
    assert ticker_cache.acquire_lease("vm:1:0123abcd", LIFE_MS)
    return redis_client


def _expire_current_prices(cache: redis.Redis) -> None:
    cache.delete(*cache.scan_iter(match="market_data:*"))


STATES = {None: lambda cache: None, "the current prices have expired": _expire_current_prices}


@pytest.mark.parametrize("example", HTTP_EXAMPLES, ids=str)
def test_an_answer_of_the_api_is_what_the_document_shows(example: Example, cache: redis.Redis, client: Client) -> None:
    STATES[example.state](cache)
    response = _answer(example, client)
    head, body = _parts(example)

    assert _masked(response.content.decode()) == _masked(body)
    if head is None:
        assert response.status_code == 200
    else:
        assert f"HTTP/1.1 {response.status_code} {response.reason_phrase}" == head[0]
        assert _shown_headers(response, head[1:]) == _read_headers(head[1:])


def test_the_document_about_the_api_shows_every_endpoint_and_every_status_of_prices() -> None:
    examples = [example for example in HTTP_EXAMPLES if example.document == "docs/api.md"]
    paths = {urlsplit(example.words[-1]).path.rpartition("/")[2] for example in examples}
    statuses = {example.output.split()[1] for example in examples if example.output.startswith("HTTP/")}

    assert paths == {"prices", "history", "init", "health", "pairs"}
    assert statuses == {"200", "206", "304", "400", "503"}


@pytest.mark.parametrize("example", REDIS_EXAMPLES, ids=str)
def test_redis_holds_what_the_document_shows(example: Example, cache: redis.Redis) -> None:
    _, *arguments = example.words
    if arguments[0] == "--scan":
        assert arguments[1] == "--pattern"
        assert sorted(key.decode() for key in cache.scan_iter(match=arguments[2])) == example.output.splitlines()
    elif arguments[0] in ("PTTL", "MEMORY"):
        assert example.output.strip().isdigit()
        assert cache.execute_command(*arguments) > 0
    elif arguments[0] == "LRANGE":
        (value,) = cache.execute_command(*arguments)
        assert _is_point(json.loads(value))
        assert _is_point(json.loads(example.output))
    else:
        value = cache.execute_command(*arguments).decode()
        assert _masked(value) == _masked(example.output.strip())


def test_the_document_about_the_exchange_has_every_request_of_a_cycle(cycle: Cycle) -> None:
    text = text_of("docs/exchange_apis.md")

    assert cycle.asked
    assert [request for request in cycle.asked if f"`{request}`" not in text] == []


def test_the_readme_shows_a_price_and_the_document_about_redis_how_to_read_it_there() -> None:
    assert "README.md" in {example.document for example in HTTP_EXAMPLES}
    assert "redis-cli GET market_data:BTC/USD" in [example.command for example in REDIS_EXAMPLES]


def _answer(example: Example, client: Client) -> HttpResponse:
    """Send the request of a `curl` command; an entity tag in it stands for the one that the answer has now."""
    program, flags, *rest, address = example.words
    assert (program, flags) in [("curl", "-s"), ("curl", "-si")]
    path = address.removeprefix("http://127.0.0.1:8000")
    assert path.startswith("/")
    headers = _read_headers([value for flag, value in zip(rest[::2], rest[1::2], strict=True) if flag == "-H"])
    if "if-none-match" in headers:
        headers["if-none-match"] = client.get(path).headers["ETag"]
    return client.get(path, headers=headers)


def _parts(example: Example) -> tuple[list[str] | None, str]:
    """Return the lines before the body, or None where the command does not show them, and the body."""
    if example.words[1] == "-s":
        return None, example.output
    head, _, body = example.output.partition("\n\n")
    return head.splitlines(), body


def _read_headers(lines: list[str]) -> dict[str, str]:
    """Return headers by their names in lower case, tags and times masked."""
    named = (line.split(": ", 1) for line in lines)
    return {name.lower(): _masked_header(name, value) for name, value in named}


def _shown_headers(response: HttpResponse, shown: list[str]) -> Mapping[str, str]:
    """Return those headers of the answer that the document shows, and all that the contract names."""
    names = set(_read_headers(shown))
    return {
        name.lower(): _masked_header(name, value)
        for name, value in response.headers.items()
        if name.lower() in names or CONTRACT_HEADERS.fullmatch(name)
    }


def _masked_header(name: str, value: str) -> str:
    if name.lower() == "etag" and re.fullmatch(r'"[0-9a-f]{24}"', value):
        return "a tag"
    if name.lower() == "x-market-data-time" and re.fullmatch(r"[0-9]{13}", value):
        return "Unix ms"
    return value


def _masked(text: str) -> Any:
    """Return JSON as lists of names and values in their order, changing figures masked; other text as it is."""
    try:
        return json.loads(text, object_pairs_hook=_masked_members)
    except ValueError:
        return text


def _masked_members(members: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(name, _masked_value(name, value)) for name, value in members]


def _masked_value(name: str, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, list) and value and all(map(_is_point, value)):
        return "points"
    if name in CHANGING_FIGURES and is_number:
        return "a number"
    return re.sub(r"^127\.0\.0\.1:\d+$", "host:port", value) if name == "host" and value else value


def _is_point(value: Any) -> bool:
    return isinstance(value, list) and [type(number) for number in value] == [int, float]
