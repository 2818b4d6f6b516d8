"""Ages and waits behind nginx's cache: the site of `deploy/nginx/` beside the recipes that are usually given.

    .venv/bin/python -m benchmarks.nginx_cache [--seconds 10] [--idle-seconds 8]

The web server is a stand-in whose answer carries the instant at which it was made, as if a new price came at every
moment; it takes 2 ms. Readers ask without a pause on 32 connections, without TLS. Printed is a table in Markdown.
"""

import argparse
import asyncio
import contextlib
import functools
import itertools
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from development.loopback import LOOPBACK
from tests.nginx_site import HOST_NAME, NginxSite

READERS = 32
ANSWER_SECONDS = 0.002
PATH = "/api/market-data/prices?pairs=BTC/USDT,ETH/USDT"
USUAL = "proxy_cache_key $args; proxy_cache_lock on;"
Change = Callable[[str], str]


@dataclass(frozen=True)
class Seen:
    """One answer, in ms: its age when it was asked for, how much its headers understate that, how long it took."""

    age_ms: float
    understated_ms: float
    wait_ms: float


def with_cache(directives: str, *, sets_time: bool = False) -> Change:
    """Return a change of the site that puts these directives in the place of its own for the cache."""

    def change(text: str) -> str:
        begin, end = text.index("        proxy_cache nexusmeme_prices;"), text.index("        proxy_read_timeout 3s;")
        text = f"{text[:begin]}{directives}\n{text[end:]}"
        return text if sets_time else re.sub(r" *(add|proxy_hide)_header X-Market-Data-Time.*;\n", "", text)

    return change


RECIPES: dict[str, Change] = {
    "no cache": with_cache(""),
    "key `$args`, lock": with_cache(f"proxy_cache nexusmeme_prices; {USUAL}"),
    "and `use_stale updating`, background update": with_cache(
        f"proxy_cache nexusmeme_prices; {USUAL} proxy_cache_use_stale updating; proxy_cache_background_update on;"
    ),
    "half seconds in the key, no lock": lambda text: text.replace("proxy_cache_lock on;", ""),
    "half seconds, lock of nginx's usual 5 s": lambda text: text.replace("proxy_cache_lock_timeout 20ms;", ""),
    "**`deploy/nginx/`**: half seconds, lock of 20 ms": lambda text: text,
}


def now_ms() -> float:
    return time.time_ns() / 1e6


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: "itertools.count[int]") -> None:
    """Answer one connection's requests with the time at which each answer is made."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while await reader.readuntil(b"\r\n\r\n"):
            next(counter)
            made_at = int(now_ms())
            await asyncio.sleep(ANSWER_SECONDS)
            headers = "Cache-Control: public, max-age=0, s-maxage=1\r\nVary: Accept-Encoding\r\n"
            headers += f"X-Market-Data-Time: {made_at}\r\n"
            body = str(made_at)
            writer.write(f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            await writer.drain()
    writer.close()


async def ask(port: int) -> AsyncIterator[Seen]:
    """Ask again and again on one connection."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        while True:
            began_at = now_ms()
            writer.write(f"GET {PATH} HTTP/1.1\r\nHost: {HOST_NAME}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = re.search(r"content-length: (\d+)", head)
            said_at = re.search(r"x-market-data-time: (\d+)", head)
            if not (head.startswith("http/1.1 200") and length and said_at):
                sys.exit(f"unexpected answer:\n{head}")
            made_at = int(await reader.readexactly(int(length[1])))
            arrived_at = now_ms()
            # Made or dated after the question: no age, and nothing understated
            yield Seen(max(0, began_at - made_at), max(0, int(began_at) - int(said_at[1])), arrived_at - began_at)
    finally:
        writer.close()


async def read(port: int, seconds: float) -> list[Seen]:
    """Read on all connections for some seconds, at least once on each."""
    end = time.monotonic() + seconds

    async def one() -> list[Seen]:
        seen = []
        async with contextlib.aclosing(ask(port)) as answers:
            async for each in answers:
                seen.append(each)
                if time.monotonic() >= end:
                    break
        return seen

    return [each for some in await asyncio.gather(*(one() for _ in range(READERS))) for each in some]


async def measure(change: Change, seconds: float, idle_seconds: float) -> str:
    """Return the row of one recipe, without its name."""
    counter: itertools.count[int] = itertools.count()
    server = await asyncio.start_server(functools.partial(answer, counter=counter), LOOPBACK, 0, backlog=1024)
    port: int = server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        site = NginxSite(Path(folder) / "nginx", (port, port), lambda text: change(_without_limits(text)))
        await asyncio.to_thread(site.start)
        try:
            seen = await read(site.https_port, seconds)
            asked = next(counter)
            await asyncio.sleep(idle_seconds)
            async with contextlib.aclosing(ask(site.https_port)) as answers:
                after_idle = await anext(answers)
        finally:
            await asyncio.to_thread(site.stop)
    server.close()
    waits = statistics.quantiles((each.wait_ms for each in seen), n=1000)
    figures = [
        max(each.age_ms for each in seen), max(each.understated_ms for each in seen), after_idle.age_ms,
        waits[499], waits[989], waits[998], max(each.wait_ms for each in seen), asked / seconds,
    ]  # fmt: skip
    return " | ".join(f"{figure:,.1f}" if figure < 100 else f"{figure:,.0f}" for figure in figures)


def _without_limits(text: str) -> str:
    text = re.sub(r" *limit_req zone.*\n", "", text)
    text = text.replace("server_tokens off;", "server_tokens off; keepalive_requests 100000000;")
    return text.replace(" ssl http2;", ";").replace("access_log", "access_log off; #")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="how long to read from each")
    parser.add_argument("--idle-seconds", type=float, default=8, help="how long nobody asks before the last request")
    options = parser.parse_args()
    say("| recipe | oldest | understated by | after idling | wait p50 | p99 | p99.9 | max | requests/s to the web |")
    say("| --- " + "| ---: " * 8 + "|")
    for name, change in RECIPES.items():
        row = asyncio.run(measure(change, options.seconds, options.idle_seconds))
        say(f"| {name} | {row} |")


if __name__ == "__main__":
    main()
