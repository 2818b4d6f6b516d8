"""The admin's inspection page: who may see it, what it shows, and that nothing can be done there."""

import html
import io
import re
import shlex
from collections.abc import Callable

import pytest
import redis
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import Client

from development.embedded_cache import EmbeddedCache
from exchange_simulator.server import RunningSimulator
from market_data.models import Inspection
from market_data.ticker_cache.cache import TickerCache
from tests.integration.conftest import Bench
from tests.web_site import PAIRS, REPOSITORY, PriceKeys, report_of_three_exchanges

PAGE = "/admin/market_data/inspection/"
CONTENT = f"{PAGE}?fragment"
PASSWORD = "Rec0gnisable-Passw0rd"

pytestmark = pytest.mark.django_db


def user(*permissions: str, **flags: bool) -> User:
    made = User.objects.create(username="somebody", **flags)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return made


@pytest.fixture
def keys(redis_client: redis.Redis, ticker_cache: TickerCache, settings: LazySettings) -> PriceKeys:
    """A pen for an empty cache of a site with four pairs."""
    settings.TRADING_PAIRS = list(PAIRS)
    return PriceKeys(redis_client)


@pytest.fixture
def staff(client: Client) -> Client:
    """A browser of staff that may view the page and nothing else."""
    client.force_login(user("view_inspection", is_staff=True))
    return client


def text_of(answer_html: str) -> str:
    """Return what a reader sees, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer_html)).split())


def row(page: str, mark: str) -> str:
    """Return the text of the table's row with this attribute."""
    found = re.search(rf"<tr [^>]*{re.escape(mark)}.*?</tr>", page, re.DOTALL)
    assert found, mark
    return text_of(found[0])


def section(page: str, key: str) -> str:
    """Return the text of a section."""
    found = re.search(rf'<section [^>]*data-section="{key}".*?</section>', page, re.DOTALL)
    assert found, key
    return text_of(found[0])


def get(client: Client, path: str = PAGE) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    ("permissions", "flags", "status"),
    [
        ([], {}, 302),
        (["view_inspection"], {}, 302),
        ([], {"is_staff": True}, 403),
        (["view_user", "change_user"], {"is_staff": True}, 403),
        (["view_inspection"], {"is_staff": True}, 200),
        ([], {"is_staff": True, "is_superuser": True}, 200),
        (["view_inspection"], {"is_staff": True, "is_active": False}, 302),
    ],
)
def test_only_staff_with_the_permission_see_the_page(keys, client, permissions, flags, status) -> None:
    client.force_login(user(*permissions, **flags))

    assert client.get(PAGE).status_code == client.get(CONTENT).status_code == status


def test_who_is_not_signed_in_is_sent_to_the_login(keys: PriceKeys, client: Client) -> None:
    assert client.get(PAGE).headers["Location"] == f"/admin/login/?next={PAGE}"


def test_the_admin_s_first_page_leads_to_it_and_offers_to_change_nothing(keys: PriceKeys, staff: Client) -> None:
    index = get(staff, "/admin/")

    assert f'href="{PAGE}"' in index
    assert f"{PAGE}add/" not in index
    assert PAGE not in get(Client(), "/admin/login/")


@pytest.mark.parametrize("flags", [{}, {"is_superuser": True}], ids=["with the permission", "superuser"])
@pytest.mark.parametrize(
    "path",
    ["add/", "1/", "1/change/", "1/delete/", "1/history/", "market/", "BTC_2FUSDT/change/", "add/?_popup=1", "jsi18n/"],
)
def test_there_is_no_address_to_add_change_or_delete_anything(keys, client, path, flags) -> None:
    client.force_login(user("view_inspection", is_staff=True, **flags))

    assert client.get(PAGE + path).status_code == 404
    assert client.post(PAGE + path, {"post": "yes"}).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_page_takes_no_orders(keys: PriceKeys, client: Client, method: str) -> None:
    client.force_login(user(is_staff=True, is_superuser=True))
    orders = {"action": "delete_selected", "_selected_action": ["1"], "post": "yes"}

    assert getattr(client, method)(PAGE, orders, content_type="application/json").status_code == 405
    assert client.post(PAGE, orders).status_code == 405


def test_there_is_a_permission_to_view_and_no_other_and_no_table(keys: PriceKeys, client: Client) -> None:
    content_type = ContentType.objects.get_for_model(Inspection)
    client.force_login(user(is_staff=True, is_superuser=True))

    assert [found.codename for found in Permission.objects.filter(content_type=content_type)] == ["view_inspection"]
    assert "market_data_inspection" not in connection.introspection.table_names()
    assert client.get(f"/admin/r/{content_type.pk}/1/").status_code == 404
    dump = io.StringIO()
    call_command("dumpdata", "market_data", stdout=dump)
    assert dump.getvalue().strip() == "[]"


def test_pairs_are_shown_as_fetcher_cache_and_exchange_know_them(keys: PriceKeys, staff: Client) -> None:
    keys.write("BTC/USDT", "BTC/USD")
    keys.client.pexpire("market_data:BTC/USDT", 3_600_000)
    keys.write("ETH/USDT", age_ms=5 * 60_000, is_current=False)
    keys.report(PAIRS)
    page = get(staff)

    assert re.fullmatch(
        r"BTC/USDT binance BTCUSDT no ok fresh 43,250\.00 \d+ ms (59 min|1 h)", row(page, 'pair="BTC/USDT"')
    )
    assert row(page, 'pair="BTC/USD"').startswith("BTC/USD binance BTCUSDT priced in USDT ok fresh 43,250.00")
    assert row(page, 'pair="ETH/USDT"') == "ETH/USDT binance ETHUSDT no ok expired 2,301.15 5 min –"
    assert row(page, 'pair="SHIB/USDT"') == "SHIB/USDT binance SHIBUSDT no ok missing – – –"
    assert "4 configured: 2 fresh, 1 expired, 1 missing" in text_of(page)


def test_of_several_exchanges_each_has_a_section_and_each_pair_says_whose_it_is(keys: PriceKeys, staff: Client) -> None:
    keys.write(*PAIRS, exchange="kraken")
    keys.write_report(report_of_three_exchanges())
    page = get(staff)

    assert section(page, "kraken").startswith("Kraken Pairs delivered 3 Circuit closed")
    assert "Circuit open" in section(page, "binance")
    assert "No prices api.binance.com answered 451" in section(page, "binance")
    assert "Prices stand still since 2023-11-14" in section(page, "bitstamp")
    assert 'data-section="circuitBreaker"' not in page, "the same is told once"
    told = row(page, 'pair="BTC/USDT"')
    assert told.startswith("BTC/USDT kraken; instead of binance; standing by: binance, bitstamp XBT/USDT no ok")
    assert "priced in USDT, at 0.9991 USD" in row(page, 'pair="BTC/USD"')


def test_the_state_is_that_of_health_in_the_same_words(keys: PriceKeys, staff: Client) -> None:
    keys.write(*PAIRS)
    keys.report(PAIRS, last_error="no host of the exchange answers", is_running=False)
    page = text_of(get(staff))
    health = staff.get("/api/market-data/health").json()

    assert f"{health['status']} at" in page
    assert len(health["reasons"]) == 2
    assert all(reason in page for reason in health["reasons"])
    assert "Running no" in page
    assert "Last error no host of the exchange answers" in page


def test_every_setting_is_shown_with_value_default_source_unit_meaning_and_verdict(
    keys: PriceKeys, staff: Client, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MARKET_DATA_CACHE_TTL_MS = 9000
    monkeypatch.setenv("MARKET_DATA_MAX_PAIRS_PER_REQUEST", "50")
    page = get(staff)

    assert row(page, 'setting="MARKET_DATA_MAX_PAIRS_PER_REQUEST"') == (
        "MARKET_DATA_MAX_PAIRS_PER_REQUEST how many pairs a reader may name in one request; 1 to 5000 "
        "50 pairs environment 200 ok"
    )
    assert row(page, 'setting="MARKET_DATA_BATCH_SIZE"').endswith("as much as 20; 1 to 20 10 symbols default 10 ok")
    ttl = row(page, 'setting="MARKET_DATA_CACHE_TTL_MS"')
    assert (
        "10000 or more is advised; 1 to 2147483647 9000 ms Django settings 15000 warning MARKET_DATA_CACHE_TTL_MS=9000"
        in ttl
    )
    assert "one failed refresh cycle can empty the cache" in ttl
    assert row(page, 'setting="LOG_LEVEL"').endswith("INFO default INFO ok")


def test_no_password_is_shown_whatever_setting_holds_it(
    keys: PriceKeys, staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "BINANCE_API_BASE_URL": f"https://user:{PASSWORD}@exchange.test",
        "BINANCE_API_FALLBACK_URLS": f'["https://{PASSWORD}@a.test","https://u:{PASSWORD}@b.test/api"]',
        "REDIS_URL": f"redis://:{PASSWORD}@cache.test:6379/0?password={PASSWORD}&socket_timeout=2",
        "DATABASE_URL": f"postgres://user:{PASSWORD}@db.test/name",
        "SECRET_KEY": PASSWORD,
    }.items():
        monkeypatch.setenv(name, value)
    page = get(staff)

    assert PASSWORD not in page
    assert "https://********@exchange.test" in row(page, 'setting="BINANCE_API_BASE_URL"')
    assert "redis://********@cache.test:6379/0?password=********&socket_timeout=2" in row(page, 'setting="REDIS_URL"')
    assert row(page, 'setting="SECRET_KEY"').endswith("******** environment not set ok")


def test_redis_is_described_and_its_password_is_not(
    staff: Client, django_cache_at: Callable[[str], TickerCache]
) -> None:
    with EmbeddedCache(password=PASSWORD, options={"maxmemory": "64mb", "maxmemory-policy": "allkeys-lru"}) as server:
        django_cache_at(server.url)
        page = get(staff)

    section = re.search(r'data-section="redis".*?</section>', page, re.DOTALL)
    assert section
    redis_text = text_of(section[0])
    assert f"Address 127.0.0.1:{server.port}/0 Reachable yes Version Valkey " in redis_text
    assert re.search(r"Memory in use \d+\.\d MiB Memory limit 64\.0 MiB At the limit allkeys-lru", redis_text)
    assert PASSWORD not in page


@pytest.mark.parametrize(
    ("more_rights", "life", "version"),
    [((), "–", "–"), (("+pttl", "+info"), "59 min", "Valkey")],
    ids=["least", "more"],
)
def test_rights_in_redis_that_the_web_server_lacks_cost_the_page_no_more_than_what_they_are_for(
    staff: Client, django_cache_at: Callable[[str], TickerCache], settings: LazySettings, more_rights, life, version
) -> None:
    settings.TRADING_PAIRS = list(PAIRS)
    with EmbeddedCache() as server, redis.Redis.from_url(server.url) as owner:
        PriceKeys(owner).write(*PAIRS)
        owner.pexpire("market_data:BTC/USDT", 3_599_000)
        owner.execute_command("ACL", "SETUSER", "reader", *rights_of_the_runbook(), *more_rights)
        django_cache_at(server.url.replace("redis://", "redis://reader:PASSWORD@"))
        page = get(staff)

    assert row(page, 'pair="BTC/USDT"').endswith(life)
    assert "43,250.00" in row(page, 'pair="BTC/USDT"')
    assert f"Reachable yes Version {version} " in text_of(page)


def rights_of_the_runbook() -> list[str]:
    """Return what the document has an operator grant to the web server."""
    document = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")
    found = re.search(r"ACL SETUSER nexusmeme_web (reset .*?[^\\])\n", document, re.DOTALL)
    assert found
    return shlex.split(found[1].replace("\\\n", " ").replace("WEB-PASSWORD", "PASSWORD"))


def test_without_redis_the_page_still_shows_the_settings_and_says_so(
    staff: Client, django_cache_at: Callable[[str], TickerCache]
) -> None:
    with EmbeddedCache() as gone:
        url = gone.url
    django_cache_at(url)
    page = get(staff)

    assert "unhealthy at" in text_of(page)
    assert "The cache cannot be reached: no connection to Redis." in text_of(page)
    assert "Reachable no Reason no connection to Redis" in text_of(page)
    assert row(page, 'setting="TRADING_PAIRS"')


def test_settings_that_cannot_work_are_shown_with_what_to_write(
    staff: Client, keys: PriceKeys, settings: LazySettings
) -> None:
    settings.MARKET_DATA_FETCH_INTERVAL_MS = "soon"
    page = get(staff)

    assert "unhealthy at" in text_of(page)
    assert "the value is not a whole number (found: 'soon'). Write for example" in row(
        page, 'setting="MARKET_DATA_FETCH_INTERVAL_MS"'
    )


def test_what_somebody_wrote_into_redis_is_text_on_the_page(keys: PriceKeys, staff: Client) -> None:
    keys.report(PAIRS, last_error="<script>alert(1)</script>")
    page = get(staff)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_content_alone_is_part_of_the_page_and_nobody_may_keep_either(keys: PriceKeys, staff: Client) -> None:
    keys.write(*PAIRS)
    content = staff.get(CONTENT)

    assert "<html" not in content.content.decode()
    assert "43,250.00" in content.content.decode()
    assert all("no-store" in staff.get(path).headers["Cache-Control"] for path in (PAGE, CONTENT))


def test_reading_the_page_costs_the_exchange_nothing(
    bench, exchange: RunningSimulator, client: Client, settings: LazySettings
) -> None:
    one: Bench = bench("BTC/USDT")
    one.refresh()
    settings.TRADING_PAIRS = ["BTC/USDT"]
    client.force_login(user("view_inspection", is_staff=True))
    before = exchange.requests.total

    pages = [get(client) for _ in range(20)]

    assert all('pair="BTC/USDT"' in page for page in pages)
    assert exchange.requests.total == before
