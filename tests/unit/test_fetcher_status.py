import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.ticker_cache.status import ExchangeReport, FetcherStatus, PairStatus
from tests.web_site import fetcher_status, report_of_three_exchanges

PAIR = {"symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT", "isQuoteAlias": False}
DECIMALS = st.none() | st.decimals(allow_nan=False, allow_infinity=False)
STATUSES = st.builds(
    FetcherStatus,
    pairs=st.dictionaries(st.text(), st.builds(PairStatus, alias_rate=DECIMALS, difference_percent=DECIMALS)),
    exchanges=st.dictionaries(st.text(), st.from_type(ExchangeReport)),
)


@given(STATUSES)
def test_a_status_means_the_same_to_the_process_that_reads_it(status):
    assert FetcherStatus.decode(status.encode()) == status


@given(STATUSES)
def test_a_status_of_a_version_that_tells_more_is_still_read(status):
    more = status.encode().removesuffix(b"}") + b',"somethingNew":{"nested":[1]}}'

    assert FetcherStatus.decode(more) == status


def test_words_that_only_a_newer_version_knows_cost_a_status_nothing():
    raw = msgspec.json.encode(
        {
            **msgspec.to_builtins(fetcher_status(["BTC/USDT"])),
            "exchange": {"source": "kraken", "listedOn": 3},
            "pairs": {"BTC/USDT": {**PAIR, "outcome": "delisted_tomorrow", "exchange": "kraken"}},
        }
    )

    status = FetcherStatus.decode(raw)
    assert (status.exchange.source, status.pairs["BTC/USDT"].outcome) == ("kraken", "delisted_tomorrow")


def test_what_an_alias_is_worth_is_a_number_in_the_exchange_s_digits():
    status = report_of_three_exchanges(["BTC/USD"])

    assert b'"aliasRate":0.99910000,' in status.encode()
    assert str(FetcherStatus.decode(status.encode()).pairs["BTC/USD"].alias_rate) == "0.99910000"


def test_a_status_of_a_version_that_tells_less_is_still_read():
    fields = msgspec.to_builtins(fetcher_status(["BTC/USDT"]))
    del fields["clock"], fields["backoff"]

    assert FetcherStatus.decode(msgspec.json.encode(fields)).clock.fault is None


@pytest.mark.parametrize("raw", [None, b"", b"null", b"{}", b"[]", b"nonsense", b"[" * 100_000, b'{"startedAt":"1"}'])
def test_what_is_no_status_reads_as_none(raw):
    assert FetcherStatus.decode(raw) is None
