import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from market_data.checks import CACHE_RULES, check_settings
from market_data.conf import parsers as setting_values
from market_data.conf.declarations import SETTINGS
from market_data.conf.loading import get_settings, load
from market_data.conf.problems import Severity
from market_data.conf.rules import CONTRADICTIONS
from tests.fakes import app_settings

TTLS_MS = st.integers(1, 86_400_000)


def problems_of(**values):
    return load(values.get).problems


def test_the_defaults_are_valid_and_without_a_warning():
    assert problems_of() == ()


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_the_example_that_a_hint_gives_is_a_value_that_works(setting):
    assert problems_of(**{setting.name: setting.example}) == ()


def test_no_two_settings_share_a_name_or_an_id():
    settings = SETTINGS.values()

    assert len({setting.name for setting in settings}) == len({setting.number for setting in settings}) == len(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRADING_PAIRS", "nonsense"),
        ("TRADING_PAIRS", '["BTC/USD"'),
        ("TRADING_PAIRS", "[1]"),
        ("MARKET_DATA_FETCH_INTERVAL_MS", "500"),
        ("MARKET_DATA_FETCH_INTERVAL_MS", "10001"),
        ("MARKET_DATA_FETCH_INTERVAL_MS", "4 s"),
        ("MARKET_DATA_BATCH_SIZE", "21"),
        ("MARKET_DATA_BATCH_SIZE", "0"),
        ("MARKET_DATA_ALIAS_TOLERANCE_PERCENT", "0"),
        ("MARKET_DATA_ALIAS_TOLERANCE_PERCENT", "0,5"),
        ("MARKET_DATA_ALIAS_TOLERANCE_PERCENT", "0.5 %"),
        ("MARKET_DATA_DIVERGENCE_PERCENT", "-1"),
        ("MARKET_DATA_DIVERGENCE_PERCENT", "100.1"),
        ("MARKET_DATA_DIVERGENCE_PERCENT", "nan"),
        ("MARKET_DATA_DIVERGENCE_PERCENT", "1e1"),
        ("MARKET_DATA_QUOTE_ALIASES", "USD=USDT"),
        ("MARKET_DATA_QUOTE_ALIASES", '{"USD": 1}'),
        ("BINANCE_API_BASE_URL", "nonsense"),
        ("BINANCE_API_BASE_URL", "ftp://exchange.test"),
        ("BINANCE_API_BASE_URL", "http://"),
        ("BINANCE_API_BASE_URL", "http://exchange.test:99999"),
        ("BINANCE_API_BASE_URL", "http://[::1"),
        ("BINANCE_API_BASE_URL", "https://exchange.test/?key=1"),
        ("BINANCE_API_BASE_URL", "https://exchange.test/#1"),
        ("BINANCE_API_BASE_URL", "https://exchange.test:0"),
        ("BINANCE_API_BASE_URL", "https://https://exchange.test"),
        ("BINANCE_API_BASE_URL", "https://a.test,https://b.test"),
        ("BINANCE_API_BASE_URL", "https://a.test b"),
        ("BINANCE_API_BASE_URL", "https://api.binance.com/api/v3"),
        ("BINANCE_API_BASE_URL", "https://api.binance.com/api/v3/"),
        ("BINANCE_API_BASE_URL", "https://api.binance.com/api/v3/ticker/24hr"),
        ("BINANCE_API_BASE_URL", "https://API1.binance.com/api"),
        ("BINANCE_API_BASE_URL", "https://proxy.test/binance/api/v3"),
        ("BINANCE_API_FALLBACK_URLS", "https://data-api.binance.vision/api/v3"),
        ("BINANCE_API_FALLBACK_URLS", '["https://a.test", "https://a.test/api/v3"]'),
        ("KRAKEN_API_BASE_URL", "https://api.kraken.com/0"),
        ("KRAKEN_API_BASE_URL", "https://api.kraken.com/0/public"),
        ("KRAKEN_API_BASE_URL", "https://proxy.test/0/public"),
        ("KRAKEN_API_FALLBACK_URLS", "nonsense"),
        ("BITSTAMP_API_BASE_URL", "https://www.bitstamp.net/api/v2/"),
        ("BITSTAMP_API_FALLBACK_URLS", '["https://proxy.test/api/v2"]'),
        ("BINANCE_API_FALLBACK_URLS", "nonsense"),
    ],
)
def test_an_impossible_value_gets_one_message_that_names_it_and_says_what_to_write(name, value):
    (problem,) = problems_of(**{name: value})

    assert problem.is_error
    assert problem.settings == (name,)
    assert name in problem.message
    assert problem.hint.split(f"{name}=")[1] == SETTINGS_BY_NAME[name].example


SETTINGS_BY_NAME = {setting.name: setting for setting in SETTINGS.values()}


def test_all_impossible_values_are_told_at_once():
    assert len(problems_of(TRADING_PAIRS="nonsense", MARKET_DATA_FETCH_INTERVAL_MS="500")) == 2


@given(interval=st.integers(2_000, 10_000), ttl=TTLS_MS, stale_ttl=TTLS_MS, last_known_ttl=TTLS_MS)
def test_doing_what_the_hints_say_ends_in_a_configuration_without_errors(interval, ttl, stale_ttl, last_known_ttl):
    values = {
        "MARKET_DATA_FETCH_INTERVAL_MS": str(interval),
        "MARKET_DATA_CACHE_TTL_MS": str(ttl),
        "MARKET_DATA_CACHE_STALE_TTL_MS": str(stale_ttl),
        "MARKET_DATA_LAST_KNOWN_TTL_MS": str(last_known_ttl),
    }
    for _ in values:
        errors = load(values.get).errors
        if errors:
            name, _, value = errors[0].hint.split()[-1].partition("=")
            values[name] = value

    loaded = load(values.get)
    assert not loaded.errors
    assert loaded.settings.cache_stale_ttl_ms < loaded.settings.cache_ttl_ms <= loaded.settings.last_known_ttl_ms
    assert loaded.settings.cache_ttl_ms > loaded.settings.fetch_interval_ms


def test_a_life_that_one_failed_cycle_can_outlast_is_a_warning_and_its_hint_ends_it():
    (problem,) = problems_of(MARKET_DATA_FETCH_INTERVAL_MS="8000")
    assert not problem.is_error

    advised = problem.hint.split("=")[1].split()[0]
    assert not problems_of(MARKET_DATA_FETCH_INTERVAL_MS="8000", MARKET_DATA_CACHE_TTL_MS=advised)


def test_a_problem_names_the_settings_that_it_is_about_and_the_one_to_change_first():
    (problem,) = problems_of(MARKET_DATA_CACHE_TTL_MS="3000", MARKET_DATA_CACHE_STALE_TTL_MS="2000")

    assert problem.settings == ("MARKET_DATA_CACHE_TTL_MS", "MARKET_DATA_FETCH_INTERVAL_MS")
    assert (problem.severity, problem.id) == (Severity.ERROR, "market_data.E101")
    assert "MARKET_DATA_CACHE_TTL_MS=3000 with MARKET_DATA_FETCH_INTERVAL_MS=4000" in problem.message


def test_every_rule_has_an_id_of_its_own():
    ids = [setting.check_id for setting in SETTINGS.values()] + [rule.id for rule in (*CONTRADICTIONS, *CACHE_RULES)]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("value", ["[" * 100_000, '{"USD": ""}', '{"US D": "USDT"}', '{"": "USDT"}'])
def test_aliases_that_name_no_asset_are_refused(value):
    assert [problem.settings for problem in problems_of(MARKET_DATA_QUOTE_ALIASES=value)] == [
        ("MARKET_DATA_QUOTE_ALIASES",)
    ]


def test_an_empty_list_of_pairs_is_a_warning():
    (problem,) = problems_of(TRADING_PAIRS="[]")

    assert not problem.is_error


def test_an_empty_variable_means_the_default():
    assert app_settings(TRADING_PAIRS=" ", MARKET_DATA_BATCH_SIZE="") == app_settings()


@pytest.mark.parametrize("text", ['["btc/usdt", "ETH/USD", "BTC/USDT"]', "btc/usdt, ETH/USD,BTC/USDT"])
def test_pairs_are_read_from_json_and_from_a_comma_separated_list(text):
    assert app_settings(TRADING_PAIRS=text).trading_pairs == ("BTC/USDT", "ETH/USD")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.binance.com",
        "https://api1.binance.com:443",
        "http://127.0.0.1:9000",
        "http://[::1]:9000",
        "http://simulator",
        "http://exchange_simulator:9000",
        "https://user:password@proxy.test/binance",
        "https://proxy.test/api",
        "https://proxy.test/api/v3/binance",
        "https://notbinance.com/prices",
    ],
)
def test_an_address_ends_with_its_host_or_with_the_path_of_a_proxy(url):
    assert app_settings(BINANCE_API_BASE_URL=url).binance_api_base_url == url


def test_addresses_lose_their_trailing_slash_and_stand_once():
    settings = app_settings(
        BINANCE_API_BASE_URL="https://a.test/", BINANCE_API_FALLBACK_URLS="https://b.test/api/,https://a.test"
    )

    assert settings.exchange_urls("binance") == ("https://a.test", "https://b.test/api")


def test_every_exchange_has_addresses_of_its_own():
    settings = app_settings(KRAKEN_API_FALLBACK_URLS="https://k.test", BITSTAMP_API_BASE_URL="https://b.test/bitstamp/")

    assert settings.exchange_urls("kraken") == ("https://api.kraken.com", "https://k.test")
    assert settings.exchange_urls("bitstamp") == ("https://b.test/bitstamp",)
    assert settings.exchange_urls("binance") == app_settings().exchange_urls("binance")


@pytest.mark.parametrize("written", ['["kraken", "binance"]', "kraken,binance", " Kraken , binance, kraken "])
def test_a_list_of_exchanges_counts_for_every_pair(written):
    settings = app_settings(MARKET_DATA_EXCHANGES=written)

    assert settings.exchange_names == settings.exchanges_of("BTC/USD") == ("kraken", "binance")


@pytest.mark.parametrize(
    ("pair", "names"),
    [
        ("BTC/USD", ("bitstamp",)),
        ("ETH/EUR", ("kraken",)),
        ("BTC/EUR", ("kraken",)),
        ("EUR/USD", ("binance", "kraken")),
    ],
)
def test_the_most_specific_key_of_a_map_of_exchanges_counts(pair, names):
    written = '{"btc/usd": ["bitstamp"], " eur ": "kraken", "*": ["binance", "kraken"]}'
    for value in (written, json.loads(written)):
        settings = app_settings(MARKET_DATA_EXCHANGES=value)
        assert settings.exchanges_of(pair) == names
        assert settings.exchange_names == ("binance", "kraken", "bitstamp")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("coinbase", "'coinbase' is no exchange; there are binance, kraken, bitstamp"),
        ('["binance", "simulator"]', "'simulator' is no exchange"),
        ('{"BTC/USD": ["nonsense"], "*": ["binance"]}', "'nonsense' is no exchange"),
        ("[]", "empty"),
        ('{"*": []}', "empty"),
        ("{}", 'add the key "*"'),
        ('{"EUR": ["kraken"]}', 'add the key "*"'),
        ('{"EUR": ["kraken"], "eur": ["binance"], "*": ["binance"]}', "two keys"),
        ('{"BTC USD": ["kraken"], "*": ["binance"]}', "is not the name of an asset"),
        ('{"BTC/": ["kraken"], "*": ["binance"]}', "is not a pair"),
        ('{"*": 1}', "not a list"),
        ('["binance"', "not JSON"),
        ("[1]", "not a list"),
    ],
)
def test_exchanges_that_cannot_be_meant_are_refused_with_what_to_write(value, said):
    (problem,) = problems_of(MARKET_DATA_EXCHANGES=value)

    assert problem.settings == ("MARKET_DATA_EXCHANGES",)
    assert said in problem.message
    assert problem.hint == 'Write for example MARKET_DATA_EXCHANGES=["binance","kraken","bitstamp"]'


def test_aliases_are_in_upper_case_and_can_be_turned_off():
    assert app_settings(MARKET_DATA_QUOTE_ALIASES='{"usd": " usdt "}').quote_aliases == {"USD": "USDT"}
    assert app_settings(MARKET_DATA_QUOTE_ALIASES="{}").quote_aliases == {}


@given(st.integers(2_000, 10_000))
def test_a_cycle_s_deadline_is_shorter_than_its_interval(interval_ms):
    settings = app_settings(MARKET_DATA_FETCH_INTERVAL_MS=str(interval_ms), MARKET_DATA_CACHE_TTL_MS="60000")

    assert interval_ms * 0.9 < settings.cycle_deadline_ms < interval_ms


@given(st.text() | st.integers() | st.none() | st.lists(st.text()) | st.dictionaries(st.text(), st.text()))
def test_no_value_stops_the_load_otherwise_than_by_a_problem(value):
    loaded = load(lambda name: value)

    assert loaded.settings is not None or loaded.errors


@given(st.lists(st.text(st.characters(codec="utf-8"))))
def test_a_list_is_read_from_json_as_from_python(items):
    assert setting_values.text_list(json.dumps(items)) == setting_values.text_list(items) == tuple(items)


def test_django_s_settings_are_read_and_a_change_of_them_is_noticed(settings):
    before = get_settings().batch_size
    settings.MARKET_DATA_BATCH_SIZE = before + 1

    assert get_settings().batch_size == before + 1


def test_a_process_with_impossible_settings_is_told_all_errors_before_it_starts(settings):
    settings.TRADING_PAIRS = "nonsense"
    settings.MARKET_DATA_BATCH_SIZE = 21

    with pytest.raises(ImproperlyConfigured, match=r"(?s)TRADING_PAIRS.*MARKET_DATA_BATCH_SIZE"):
        get_settings()
    assert [message.is_serious() for message in check_settings(None)] == [True, True]
