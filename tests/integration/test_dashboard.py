"""The page's answer: rendered by Django from a real cache."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from development.embedded_cache import EmbeddedCache
from tests.web_site import PAIRS, PriceKeys

REPOSITORY = Path(__file__).resolve().parents[2]
STATIC_FOLDERS = (REPOSITORY / "market_data/static/market_data", REPOSITORY / "static/nexusmeme")
SENTENCE_OF_AN_UNREACHABLE_CACHE = "The cache cannot be reached: no connection to Redis."


@pytest.fixture
def configure_pairs(settings):
    def configure(pairs):
        settings.TRADING_PAIRS = list(pairs)

    return configure


@pytest.fixture
def keys(redis_client, ticker_cache, configure_pairs):
    """A pen for an empty cache, from which a site with four pairs reads."""
    configure_pairs(PAIRS)
    return PriceKeys(redis_client)


class _Page(HTMLParser):
    """The fields of each card, the state, the script's data and every address that the page loads."""

    def __init__(self, html):
        super().__init__()
        self.cards, self.fields, self.addresses, self.inline = {}, {}, [], []
        self.config, self.hidden = None, set()
        self._card, self._field, self._script = None, None, None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "data-pair" in attributes:
            self._card = self.cards.setdefault(attributes["data-pair"], {"attributes": attributes})
        if "data-field" in attributes:
            self._field = attributes["data-field"]
            if "hidden" in attributes:
                self.hidden.add(self._field)
        if tag == "p":
            self._card = None  # a card has no paragraphs
        self._script = attributes if tag == "script" else None
        self.inline += [name for name in attributes if name == "style" or name.startswith("on")]
        self.addresses += [attributes[name] for name in ("src", "href") if name in attributes]

    def handle_endtag(self, tag):
        self._field = None

    def handle_data(self, data):
        if self._script is not None and data.strip():
            assert self._script["type"] == "application/json", "the page has a script of its own"
            self.config = json.loads(data)
        elif self._field:
            target = self.fields if self._card is None else self._card
            target[self._field] = target.get(self._field, "") + data.strip()


def get_page(client):
    response = client.get("/")
    assert response.status_code == 200
    return _Page(response.content.decode()), response


def test_the_page_has_every_price_that_the_cache_has(client, keys):
    keys.write(*PAIRS)
    keys.report(PAIRS)
    page, _ = get_page(client)

    assert list(page.cards) == list(PAIRS)
    assert [card["price"] for card in page.cards.values()] == ["43,250.00", "2,301.15", "0.00001234", "43,250.00"]
    assert {card["state"] for card in page.cards.values()} == {"Live"}
    assert page.fields["status"] == "Live"
    assert page.cards["BTC/USD"]["alias"] == "priced in USDT"


def test_the_last_known_price_is_shown_marked_with_its_age(client, keys):
    keys.write("BTC/USDT", "SHIB/USDT", "BTC/USD")
    keys.write("ETH/USDT", age_ms=5 * 60_000, is_current=False)
    page, _ = get_page(client)

    card = page.cards["ETH/USDT"]
    assert (card["state"], card["note"], card["age"]) == ("Stale", "Last known price", "5 min ago")
    assert card["price"] == "2,301.15"
    assert page.fields["status"] == "Stale"


def test_an_empty_cache_renders_missing_cards_and_says_that_no_fetcher_runs(client, keys):
    page, _ = get_page(client)

    assert {card["state"] for card in page.cards.values()} == {"Missing"}
    assert {card["note"] for card in page.cards.values()} == {"Temporarily unavailable"}
    assert page.fields["status"] == "Unavailable"
    assert "No fetcher is running." in page.fields["reasons"]


def test_the_outage_of_the_exchange_is_named(client, keys):
    keys.report(PAIRS, last_error="no host of the exchange answers")
    page, _ = get_page(client)

    assert "no host of the exchange answers" in page.fields["reasons"]


def test_an_unreachable_cache_is_a_state_of_the_page_and_no_error(client, django_cache_at):
    with EmbeddedCache() as gone:
        url = gone.url
    django_cache_at(url)
    page, response = get_page(client)

    assert page.fields["status"] == "Unavailable"
    assert page.fields["reasons"] == SENTENCE_OF_AN_UNREACHABLE_CACHE
    assert "X-Market-Data-Source" not in response.headers


def test_no_configured_pairs_make_an_idle_page(client, keys, configure_pairs):
    configure_pairs(())
    page, _ = get_page(client)

    assert page.cards == {}
    assert page.fields["status"] == "Idle"


def test_simulated_prices_are_announced_by_the_page_and_its_header(client, keys):
    keys.set_source("simulator")
    page, response = get_page(client)

    assert "simulated" not in page.hidden
    assert response.headers["X-Market-Data-Source"] == "simulator"


def test_prices_of_the_exchange_have_no_banner(client, keys):
    keys.set_source("binance")
    page, response = get_page(client)

    assert "simulated" in page.hidden
    assert response.headers["X-Market-Data-Source"] == "binance"


def test_nothing_stores_the_page(client, keys):
    _, response = get_page(client)

    assert response.headers["Cache-Control"] == "no-store"


def test_the_script_gets_the_records_in_the_digits_of_the_cache(client, keys):
    keys.write("SHIB/USDT")
    page, response = get_page(client)

    assert '"price":0.00001234,' in page.config["records"]
    assert page.config["missing"] == ["BTC/USDT", "ETH/USDT", "BTC/USD"]
    assert page.config["serverTimeMs"] == int(response.headers["X-Market-Data-Time"])
    assert (page.config["pollIntervalMs"], page.config["staleThresholdMs"]) == (2000, 30_000)


def test_the_script_is_told_the_interval_of_the_fetcher_that_runs_or_else_the_configured_one(
    client, keys, redis_client
):
    page, _ = get_page(client)
    assert page.config["fetchIntervalMs"] == 4000

    PriceKeys(redis_client, fetch_interval_ms=7000).report(PAIRS)
    page, _ = get_page(client)
    assert page.config["fetchIntervalMs"] == 7000


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(client, keys):
    keys.write(*PAIRS)
    page, _ = get_page(client)

    assert [address for address in page.addresses if re.match(r"(https?:)?//", address)] == []
    assert page.inline == []


def test_a_pair_of_any_script_is_text_and_never_markup(client, keys, configure_pairs):
    pairs = ("币安人生/USDT",)
    configure_pairs(pairs)
    keys.write(*pairs)
    page, _ = get_page(client)

    assert page.cards["币安人生/USDT"]["state"] == "Live"


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_page_is_only_read(client, keys, method):
    assert getattr(client, method)("/").status_code == 405


def test_three_hundred_pairs_are_rendered_from_two_readings_of_the_cache(client, keys, configure_pairs):
    pairs = [f"COIN{number}/USDT" for number in range(300)]
    configure_pairs(pairs)
    keys.write(*pairs)
    client.get("/")
    before = keys.client.info("commandstats").get("cmdstat_mget", {"calls": 0})["calls"]
    page, _ = get_page(client)
    after = keys.client.info("commandstats")["cmdstat_mget"]["calls"]

    assert len(page.cards) == 300
    assert after - before == 2


def test_another_project_gets_the_page_in_the_apps_own_frame(client, keys, settings):
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": []}]
    keys.write(*PAIRS)
    page, response = get_page(client)

    assert "nexusmeme" not in response.content.decode()
    assert page.cards["SHIB/USDT"]["price"] == "0.00001234"


def test_django_finds_every_import_of_a_module_when_it_hashes_static_files():
    for path in STATIC_FOLDERS[0].glob("*.js"):
        imports = [line for line in path.read_text().splitlines() if line.startswith("import ")]
        assert all(line.endswith('.js";') for line in imports), path.name
