"""The template tag and the fragment that `<market-prices>` asks for, rendered by Django from a real cache."""

import pytest
from django.template import Context, Template, TemplateSyntaxError

from development.embedded_cache import EmbeddedCache
from tests.web_site import PAIRS, PriceKeys


@pytest.fixture
def keys(redis_client, ticker_cache, settings) -> PriceKeys:
    """A pen for a cache with four live prices, from which a site with four pairs reads."""
    settings.TRADING_PAIRS = list(PAIRS)
    keys = PriceKeys(redis_client)
    keys.write(*PAIRS)
    keys.report(PAIRS)
    return keys


def rendered(template: str, **context: object) -> str:
    return Template("{% load market_data %}" + template).render(Context(context))


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ('{% market_prices pairs="BTC/USDT,ETH/USDT" %}', {"BTC/USDT", "ETH/USDT"}),
        ('{% market_prices " btc/usdt , BTC/USDT" %}', {"BTC/USDT"}),
        ("{% market_prices pairs=some %}", {"SHIB/USDT"}),
        ("{% market_prices pairs=text %}", {"BTC/USD"}),
        ("{% market_prices %}", set(PAIRS)),
    ],
)
def test_the_tag_takes_text_a_variable_a_list_or_nothing_for_all_pairs(keys, template, shown):
    html = rendered(template, some=["shib/usdt"], text="BTC/USD")

    assert {pair for pair in PAIRS if f'data-pair="{pair}"' in html} == shown
    assert '"usesConfiguredPairs": ' + ("true" if shown == set(PAIRS) else "false") in html


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("BTCUSDT", "'BTCUSDT' is not a pair; write base and quote asset with a slash between, like BTC/USDT"),
        ("BTC/USDT,", "an empty name stands where a pair is expected"),
        ("", "pairs is empty; write {% market_prices pairs="),
        ([], "pairs is empty"),
        (None, None),
        (7, "pairs is neither text nor a list of texts"),
        (["BTC/USDT", 7], "pairs is neither text nor a list of texts"),
        ("<script>/USDT", "is not a pair"),
    ],
)
def test_pairs_that_make_no_sense_are_a_template_error_that_says_what_to_write(keys, pairs, message):
    if message is None:
        assert 'data-pair="BTC/USDT"' in rendered("{% market_prices pairs=pairs %}", pairs=pairs)
        return
    with pytest.raises(TemplateSyntaxError) as caught:
        rendered("{% market_prices pairs=pairs %}", pairs=pairs)
    assert message in str(caught.value)


def test_a_variable_that_does_not_exist_is_no_wish_for_all_pairs(keys):
    with pytest.raises(TemplateSyntaxError, match="pairs is empty"):
        rendered("{% market_prices pairs=nowhere %}")


def test_a_pair_that_is_not_configured_is_named_and_the_page_renders(keys):
    html = rendered('{% market_prices pairs="XYZ/USDT,BTC/USDT" %}')

    assert "XYZ/USDT is not configured on this server. Add it to TRADING_PAIRS there" in html
    assert 'data-pair="BTC/USDT"' in html
    assert 'data-pair="XYZ/USDT"' not in html
    assert "<section" not in rendered('{% market_prices pairs="XYZ/USDT" %}')


def test_the_tag_renders_where_the_cache_cannot_be_reached(django_cache_at):
    with EmbeddedCache() as server:
        url = server.url
    django_cache_at(url)

    assert "The cache cannot be reached" in rendered("{% market_prices %}")


def test_the_assets_are_one_stylesheet_and_one_module(keys):
    html = rendered("{% market_prices_assets %}")

    assert html.count("<link ") == html.count("<script ") == 1
    assert 'type="module"' in html


def test_the_tag_alone_brings_style_and_life(keys):
    html = rendered('{% market_prices pairs="BTC/USDT" %}')

    assert "market-prices.css" in html
    assert "embed.js" in html


def test_the_fragment_is_the_component_without_a_page_and_is_never_stored(client, keys):
    response = client.get("/market-data/embed?pairs=BTC/USDT")
    html = response.content.decode()

    assert response.status_code == 200
    assert "<html" not in html
    assert 'data-pair="BTC/USDT"' in html
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert int(response.headers["X-Market-Data-Time"]) > 0
    assert response.headers["X-Market-Data-Source"] == "binance"


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("?pairs=", 400, "pairs is empty"),
        ("?pairs=BTCUSDT", 400, "is not a pair"),
        ("?pair=BTC/USDT", 400, "'pair' is not known"),
        ("?pairs=XYZ/USDT", 404, "XYZ/USDT is not configured on this server."),
        ("?pairs=" + ",".join(f"A{number}/USDT" for number in range(201)), 400, "name 200 at most"),
    ],
)
def test_a_fragment_that_cannot_be_is_refused_with_what_to_write(client, keys, query, status, message):
    response = client.get(f"/market-data/embed{query}")

    assert response.status_code == status
    assert message in response.json()["message"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_every_answer_of_the_api_may_be_read_by_pages_of_other_hosts(client, keys):
    for path in ("prices", "prices?pairs=", "health", "init", "pairs", "nope"):
        headers = client.get(f"/api/market-data/{path}").headers
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "X-Market-Data-Time" in headers["Access-Control-Expose-Headers"]


def test_the_example_page_is_there_in_development_only(client, keys):
    assert client.get("/example/").status_code == 404
