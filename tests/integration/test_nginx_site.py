"""`deploy/nginx/nexusmeme.conf` in a running nginx, in front of two real web servers and a real cache."""

import gzip
import http.client
import itertools
import json
import shlex
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import pytest
import redis

from development.embedded_cache import EmbeddedCache
from development.loopback import LOOPBACK, free_port
from tests.nginx_site import HOST_NAME, NginxSite
from tests.process_facts import wait_until
from tests.web_site import PAIRS, PriceKeys, WebSite, now_ms

PRICES = "/api/market-data/prices"
PRODUCTION = {"DEBUG": "false", "SECRET_KEY": "for-this-test", "HTTPS_ONLY": "true", "ALLOWED_HOSTS": HOST_NAME}
TOLD_ONCE = (
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Content-Security-Policy",
    "Strict-Transport-Security",
)
SLOT_MS = 500
SNAPSHOT_MS = 250
"""How old a web server's own reading of the cache may be."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Message
    body: bytes

    @property
    def content(self) -> dict[str, dict[str, object]]:
        content: dict[str, dict[str, object]] = json.loads(self.body)
        return content

    @property
    def time_ms(self) -> int:
        return int(self.headers["X-Market-Data-Time"])

    @property
    def is_hit(self) -> bool:
        return self.headers["X-Cache"] == "HIT"


class Reader:
    """One connection to nginx, over TLS, by the site's name."""

    def __init__(self, site: NginxSite) -> None:
        trusted = ssl.create_default_context(cafile=str(site.folder / "fullchain.pem"))
        self._connection = http.client.HTTPSConnection(LOOPBACK, site.https_port, timeout=20, context=trusted)

    def ask(self, path: str, method: str = "GET", **headers: str) -> Reply:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, headers={"Host": HOST_NAME, **given})
        response = self._connection.getresponse()
        return Reply(response.status, response.headers, response.read())

    def ask_until_hit(self, path: str, method: str = "GET", **headers: str) -> Reply:
        """Ask until the answer comes out of the cache, as every second one does where both are in one half second."""
        replies: list[Reply] = []

        def is_hit() -> bool:
            replies.append(self.ask(path, method, **headers))
            return replies[-1].is_hit

        wait_until(is_hit, "an answer out of nginx's cache")
        return replies[-1]


def showing_cache(text: str) -> str:
    """Let nginx tell the test what came out of its cache, and let the test ask as often as it likes."""
    text = text.replace("proxy_hide_header", "add_header X-Cache $upstream_cache_status always;\n    proxy_hide_header")
    return text.replace("rate=100r/s", "rate=100000r/s").replace("rate=20r/s", "rate=100000r/s")


def strict(text: str) -> str:
    """Limits that no machine is too slow for; a client may name itself, as behind a balancer on this machine."""
    for rate in ("100r/s", "20r/s", "30r/m"):
        text = text.replace(f"rate={rate}", "rate=1r/m")
    for directive in ("set_real_ip_from 192.0.2.0/24", "real_ip_header", "real_ip_recursive"):
        assert f"#{directive}" in text
        text = text.replace(f"#{directive}", directive.replace("192.0.2.0/24", "127.0.0.0/8"))
    return text


@pytest.fixture(scope="module")
def prices(redis_server: EmbeddedCache) -> Iterator[PriceKeys]:
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        yield PriceKeys(client)


@pytest.fixture(scope="module")
def web_sites(redis_server: EmbeddedCache) -> Iterator[list[WebSite]]:
    sites = [WebSite(redis_server.url, PRODUCTION).start() for _ in range(2)]
    yield sites
    for site in sites:
        site.stop()


@pytest.fixture(scope="module")
def site(web_sites: list[WebSite], tmp_path_factory: pytest.TempPathFactory) -> Iterator[NginxSite]:
    folder = tmp_path_factory.mktemp("site") / "nginx"
    running = NginxSite(folder, (web_sites[0].port, web_sites[1].port), showing_cache).start()
    yield running
    running.stop()


@pytest.fixture
def limited_site(web_sites: list[WebSite], tmp_path: Path) -> Iterator[NginxSite]:
    running = NginxSite(tmp_path / "nginx", (web_sites[0].port, web_sites[1].port), strict).start()
    yield running
    running.stop()


@pytest.fixture
def reader(site: NginxSite, prices: PriceKeys) -> Reader:
    """A reader while all pairs have a price of now, once no cache knows an older one."""
    prices.client.flushall()
    prices.write(*PAIRS)
    written_at = now_ms()
    wait_until(lambda: now_ms() // SLOT_MS * SLOT_MS > written_at + SNAPSHOT_MS, "the next half second")
    return Reader(site)


def single(headers: Message, name: str) -> str:
    values = headers.get_all(name, [])
    assert len(values) == 1, f"{name} stands {len(values)} times"
    return values[0]


def test_nginx_accepts_the_site(tmp_path: Path) -> None:
    checked = NginxSite(tmp_path / "nginx", (1, 1)).test()

    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


def test_an_answer_out_of_the_cache_has_the_time_at_which_it_leaves(reader: Reader) -> None:
    reader.ask_until_hit(PRICES)
    asked_at = now_ms()
    reply = reader.ask_until_hit(PRICES)

    assert reply.time_ms >= asked_at
    single(reply.headers, "X-Market-Data-Time")
    assert reply.headers["Cache-Control"] == "public, max-age=0, s-maxage=1"


def test_nothing_older_than_half_a_second_comes_out_of_the_cache(reader: Reader, prices: PriceKeys) -> None:
    reader.ask_until_hit(PRICES)
    prices.write(*PAIRS, price="1.5")
    written_at = now_ms()
    seen = 0

    def has_seen_enough() -> bool:
        nonlocal seen
        slot_began_at = now_ms() // SLOT_MS * SLOT_MS
        reply = reader.ask(PRICES)
        if slot_began_at > written_at + SNAPSHOT_MS:
            assert {record["price"] for record in reply.content.values()} == {1.5}
            seen += reply.is_hit
        return seen >= 3

    wait_until(has_seen_enough, "three later answers out of the cache")


def test_after_an_idle_time_the_first_answer_is_a_new_one(reader: Reader, prices: PriceKeys) -> None:
    reader.ask_until_hit(PRICES)
    prices.write(*PAIRS, price="2.5")
    written_at = now_ms()
    wait_until(lambda: now_ms() > written_at + 3_000, "three seconds without a reader")

    reply = reader.ask(PRICES)

    assert {record["price"] for record in reply.content.values()} == {2.5}


def test_a_price_that_has_expired_does_not_live_on_in_the_cache(reader: Reader, prices: PriceKeys) -> None:
    reader.ask_until_hit(PRICES)
    prices.expire(*PAIRS)

    wait_until(lambda: reader.ask(PRICES).status == 503, "the 503")
    assert single(reader.ask(PRICES).headers, "Retry-After") == "4", "the application's own"


@pytest.mark.parametrize(
    ("query", "status"), [("?pairs=BTC/USDT,XYZ/USDT", 206), ("?pairs=XYZ/USDT", 503), ("?pairs=BTC", 400)]
)
def test_what_is_no_whole_answer_is_never_stored(reader: Reader, query: str, status: int) -> None:
    replies = [reader.ask(PRICES + query) for _ in range(20)]

    assert {reply.status for reply in replies} == {status}
    assert not any(reply.is_hit for reply in replies)
    assert {single(reply.headers, "Cache-Control") for reply in replies} == {"no-store"}


def test_every_way_to_write_what_a_browser_accepts_is_served_out_of_one_answer(reader: Reader) -> None:
    numbers = itertools.count()

    def is_hit() -> bool:
        reader.ask(PRICES, Accept_Encoding=f"gzip, x{next(numbers)}")
        return reader.ask(PRICES, Accept_Encoding=f"gzip, x{next(numbers)}").is_hit

    wait_until(is_hit, "an answer that another spelling has brought")


def test_readers_who_accept_old_prices_do_not_change_what_others_get(reader: Reader, prices: PriceKeys) -> None:
    prices.expire(*PAIRS)
    old = reader.ask_until_hit(f"{PRICES}?maxStaleMs=60000")

    assert all(record["stale"] is True for record in old.content.values())
    assert reader.ask(PRICES).status == 503


def test_the_cache_answers_a_known_etag_with_304(reader: Reader) -> None:
    etag = reader.ask(PRICES).headers["ETag"]

    reply = reader.ask_until_hit(PRICES, If_None_Match=etag)

    assert (reply.status, reply.body) == (304, b"")
    assert reply.headers["ETag"] == etag
    assert reply.time_ms > 0


def test_head_is_answered_out_of_the_cache_without_a_body(reader: Reader) -> None:
    whole = reader.ask(PRICES)

    reply = reader.ask_until_hit(PRICES, "HEAD")

    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["ETag"] == whole.headers["ETag"]


def test_a_range_is_not_cut_out_of_an_answer(reader: Reader) -> None:
    assert reader.ask_until_hit(PRICES, Range="bytes=0-9").status == 200


@pytest.mark.parametrize("accepted", ["gzip, deflate, br", "br;q=1.0, GZIP;q=0.8"])
@pytest.mark.parametrize("refused", ["gzip;q=0, br", "gzip ; q = 0.00", "gzip;q=abc", "not-gzip", "br"])
def test_those_who_accept_gzip_get_it_and_all_others_the_same_text(reader: Reader, accepted: str, refused: str) -> None:
    compressed = reader.ask_until_hit(PRICES, Accept_Encoding=accepted)
    plain = reader.ask_until_hit(PRICES, Accept_Encoding=refused)

    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.body) == plain.body
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in compressed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    weak = reader.ask(PRICES, Accept_Encoding=accepted, If_None_Match=compressed.headers["ETag"])
    assert weak.status == 304


def test_lists_of_pairs_that_nobody_asks_for_again_leave_the_cache(reader: Reader, site: NginxSite) -> None:
    def stored() -> list[Path]:
        return [path for path in site.cache.rglob("*") if path.is_file()]

    for number in range(60):
        assert reader.ask(f"{PRICES}?pairs=BTC/USDT&maxStaleMs={number}").status == 200
    assert len(stored()) >= 60

    wait_until(lambda: stored() == [], "the end of what nobody asks for", 60)


@pytest.mark.parametrize("path", ["/", PRICES, "/api/market-data/health", "/static/none.js", "/admin/login/"])
def test_every_answer_has_each_restriction_once(reader: Reader, path: str) -> None:
    replies = [reader.ask(path) for _ in range(3)]

    for reply in replies:
        assert [name for name in TOLD_ONCE if not single(reply.headers, name)] == []


def test_the_page_keeps_djangos_own_content_security_policy(reader: Reader) -> None:
    assert "script-src 'self'" in reader.ask("/").headers["Content-Security-Policy"]


def test_static_files_with_a_hash_are_kept_for_ever_and_others_for_an_hour(reader: Reader, site: NginxSite) -> None:
    folder = site.project / "current" / "staticfiles" / "market_data"
    folder.mkdir(parents=True, exist_ok=True)
    text = b"export const one = 1\n" * 100
    (folder / "dashboard.0123456789ab.js").write_bytes(text)
    (folder / "dashboard.0123456789ab.js.gz").write_bytes(gzip.compress(text))
    (folder / "dashboard.js").write_bytes(text)

    hashed = reader.ask("/static/market_data/dashboard.0123456789ab.js", Accept_Encoding="gzip")
    plain = reader.ask("/static/market_data/dashboard.js")

    assert single(hashed.headers, "Cache-Control") == "public, max-age=31536000, immutable"
    assert hashed.body == (folder / "dashboard.0123456789ab.js.gz").read_bytes(), "compressed beforehand"
    assert "javascript" in hashed.headers["Content-Type"]
    assert single(plain.headers, "Cache-Control") == "public, max-age=3600"
    assert plain.body == text
    assert single(hashed.headers, "Access-Control-Allow-Origin") == "*", "pages of other hosts load it as a module"


def test_files_of_the_release_before_are_still_served(reader: Reader, site: NginxSite) -> None:
    folder = site.project / "previous" / "staticfiles"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "old.ba9876543210.css").write_text("a { color: red }")

    assert reader.ask("/static/old.ba9876543210.css").status == 200


@pytest.mark.parametrize("path", ["/static/../nexusmeme.conf", "/static/%2e%2e/%2e%2e/secret", "/static//etc/passwd"])
def test_nothing_but_static_files_is_served_as_such(reader: Reader, site: NginxSite, path: str) -> None:
    (site.project / "current" / "staticfiles").mkdir(parents=True, exist_ok=True)
    (site.project / "secret").write_text("a secret")

    assert reader.ask(path).status in (400, 404)


def test_without_tls_a_reader_is_sent_to_tls(site: NginxSite) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, site.http_port, timeout=20)
    connection.request("GET", f"{PRICES}?pairs=BTC/USDT", headers={"Host": HOST_NAME})
    response = connection.getresponse()

    assert response.status == 301
    assert response.headers["Location"] == f"https://{HOST_NAME}{PRICES}?pairs=BTC/USDT"


def test_one_web_server_alone_serves_every_reader(reader: Reader, web_sites: list[WebSite]) -> None:
    for stopped in web_sites:
        stopped.stop()
        statuses = {reader.ask(f"{PRICES}?maxStaleMs={number}").status for number in range(20)}
        stopped.start()
        assert statuses == {200}


def test_without_any_web_server_readers_get_a_503_that_a_program_can_read(
    reader: Reader, web_sites: list[WebSite]
) -> None:
    for site in web_sites:
        site.stop()
    try:
        reply = reader.ask(f"{PRICES}?pairs=ETH/USDT")
    finally:
        for site in web_sites:
            site.start()

    assert reply.status == 503
    assert reply.content["error"] == "Price data temporarily unavailable"
    assert single(reply.headers, "Retry-After") == "2"
    assert single(reply.headers, "Cache-Control") == "no-store"
    assert single(reply.headers, "Access-Control-Allow-Origin") == "*"
    assert reader.ask(f"{PRICES}?pairs=ETH/USDT").status == 200


@pytest.mark.parametrize(("path", "burst"), [(PRICES, 200), ("/api/market-data/init", 100), ("/admin/login/", 10)])
def test_a_client_that_asks_too_often_gets_429_and_others_do_not(
    limited_site: NginxSite, prices: PriceKeys, path: str, burst: int
) -> None:
    prices.write(*PAIRS)
    reader = Reader(limited_site)
    replies = [reader.ask(path, X_Forwarded_For="203.0.113.7") for _ in range(burst + 5)]
    refused = [reply for reply in replies if reply.status == 429]

    assert len(refused) == 4, "the first request and a burst pass"
    assert refused[0].content["error"] == "Too many requests"
    assert single(refused[0].headers, "Retry-After") == "1"
    assert single(refused[0].headers, "Cache-Control") == "no-store"
    assert [name for name in TOLD_ONCE if not single(refused[0].headers, name)] == []
    assert reader.ask(path, X_Forwarded_For="203.0.113.8").status == 200


def test_a_subscriber_of_ipv6_is_one_client(limited_site: NginxSite) -> None:
    reader = Reader(limited_site)
    addresses = [f"2001:db8:1:2:3:4:5:{number:x}" for number in range(1, 15)]
    statuses = [reader.ask("/admin/login/", X_Forwarded_For=address).status for address in addresses]

    assert statuses == 11 * [200] + 3 * [429]
    assert reader.ask("/admin/login/", X_Forwarded_For="2001:db8:1:3::1").status == 200


def test_a_client_cannot_name_itself_where_no_proxy_is_trusted(web_sites: list[WebSite], tmp_path: Path) -> None:
    def strict_to_all(text: str) -> str:
        return strict(text).replace("set_real_ip_from 127.0.0.0/8;", "")

    site = NginxSite(tmp_path / "nginx", (web_sites[0].port, web_sites[1].port), strict_to_all).start()
    try:
        reader = Reader(site)
        statuses = [reader.ask("/admin/login/", X_Forwarded_For=f"203.0.113.{number}").status for number in range(13)]
    finally:
        site.stop()

    assert statuses == 11 * [200] + 2 * [429]


def test_the_log_has_client_and_request_and_leaves_out_what_readers_poll(site: NginxSite, reader: Reader) -> None:
    reader.ask(f"{PRICES}?pairs=BTC/USDT")
    reader.ask(f"{PRICES}?pairs=broken")

    wait_until(lambda: "broken" in site.access_log, "the line in the log")
    lines = [line for line in site.access_log.splitlines() if "broken" in line]
    assert f"client={LOOPBACK} " in lines[0]
    assert "status=400 " in lines[0]
    assert "pairs=BTC/USDT " not in site.access_log


def test_a_line_of_the_log_is_read_back_whatever_the_address_holds_and_however_many_servers_were_asked(
    tmp_path: Path,
) -> None:
    site = NginxSite(tmp_path / "nginx", (free_port(), free_port())).start()
    try:
        Reader(site).ask('/api/market-data/init?a="b%0Astatus=200')
        wait_until(lambda: "status=200" in site.access_log, "the line in the log")
        (line,) = site.access_log.splitlines()
    finally:
        site.stop()

    fields = dict(word.split("=", 1) for word in shlex.split(line))
    assert fields["uri"] == r"/api/market-data/init?a=\x22b%0Astatus=200"
    assert fields["status"] == "502"
    assert len(fields["upstream"].split(", ")) == 2
    assert fields["cache"] == "-"


def test_many_at_once_on_a_cold_cache_are_all_answered(site: NginxSite, reader: Reader) -> None:
    readers = [Reader(site) for _ in range(32)]

    def ask(one: Reader) -> int:
        return one.ask(f"{PRICES}?pairs=SHIB/USDT").status

    with ThreadPoolExecutor(len(readers)) as pool:
        assert set(pool.map(ask, readers)) == {200}


def test_metrics_are_for_this_machine_alone(limited_site: NginxSite, prices: PriceKeys) -> None:
    reader = Reader(limited_site)

    for path in ("/metrics", "//metrics", "/%6detrics", "/x/../metrics"):
        assert reader.ask(path, X_Forwarded_For="192.0.2.7").status == 403
    assert b"nexusmeme_cache_up 1.0" in reader.ask("/metrics").body
