"""What every exchange's folder has to keep, in its own words (`spoken.py`)."""

from decimal import Decimal

import pytest

from market_data.aggregator.sanity import Quote, assess_row
from market_data.exchanges.errors import (
    BlockedError,
    ExchangeUnavailableError,
    MalformedAnswerError,
    NoTickersError,
    RateLimitedError,
)
from market_data.exchanges.protocol import Request, RowState, TickerAnswer
from market_data.exchanges.symbols import SymbolList
from market_data.ticker.outcome import PairOutcome
from tests.conformance.spoken import NOW_MS, SPOKEN, Market, Spoken, response

every_exchange = pytest.mark.parametrize("spoken", SPOKEN, ids=lambda spoken: spoken.exchange.name)
BTC, ETH = Market("BTC", "USDT"), Market("ETH", "USDT", price="2310.20")


def request_for(spoken: Spoken, *markets: Market) -> Request:
    symbols = [spoken.symbol(market.base, market.quote) for market in markets]
    requests = spoken.exchange.ticker_requests(
        symbols, batch_size=10, is_suspect=lambda symbol: False, may_ask_for_all=True
    )
    assert len(requests) == 1
    return requests[0]


def read(spoken: Spoken, answered: list[Market], *asked: Market) -> TickerAnswer:
    return spoken.exchange.read_tickers(request_for(spoken, *asked), spoken.tickers(answered))


def figures(spoken: Spoken, market: Market) -> Quote | PairOutcome:
    row = read(spoken, [market], market).rows[spoken.symbol(market.base, market.quote)]
    assert row is not None
    return assess_row(row, NOW_MS, day_ago_price=Decimal("42195.22"))


@every_exchange
def test_many_pairs_are_one_request_that_names_its_symbols(spoken: Spoken) -> None:
    request = request_for(spoken, BTC, ETH)

    assert request.symbols == (spoken.symbol("BTC", "USDT"), spoken.symbol("ETH", "USDT"))
    assert request.path_and_query.startswith("/")
    assert " " not in request.path_and_query


@every_exchange
def test_no_pairs_are_no_request(spoken: Spoken) -> None:
    planned = spoken.exchange.ticker_requests([], batch_size=10, is_suspect=lambda symbol: False, may_ask_for_all=True)

    assert planned == []


@every_exchange
def test_the_exchanges_digits_are_kept(spoken: Spoken) -> None:
    market = Market("SHIB", "USDT", "0.00001234", "1082448588123.12345678", "0.00001300", "0.00001200")
    quote = figures(spoken, market)

    assert isinstance(quote, Quote)
    assert [f"{number:f}" for number in (quote.price, quote.volume, quote.high_24h, quote.low_24h)] == [
        "0.00001234",
        "1082448588123.12345678",
        "0.00001300",
        "0.00001200",
    ]


@every_exchange
def test_the_change_is_the_one_of_24_hours(spoken: Spoken) -> None:
    quote = figures(spoken, BTC)

    assert isinstance(quote, Quote)
    assert quote.change_24h_percent == Decimal("2.500")


@every_exchange
def test_rows_are_taken_by_their_name_in_whatever_order_they_come(spoken: Spoken) -> None:
    rows = read(spoken, [ETH, BTC], BTC, ETH).rows

    assert {symbol: row and row.price for symbol, row in rows.items()} == {
        spoken.symbol("BTC", "USDT"): BTC.price,
        spoken.symbol("ETH", "USDT"): ETH.price,
    }


@every_exchange
def test_rows_that_nobody_asked_for_are_left_out(spoken: Spoken) -> None:
    assert set(read(spoken, [BTC, ETH], BTC).rows) == {spoken.symbol("BTC", "USDT")}


@every_exchange
def test_a_row_that_is_missing_costs_no_other_its_price(spoken: Spoken) -> None:
    answer = read(spoken, [BTC], BTC, ETH)
    absent = spoken.symbol("ETH", "USDT")

    assert set(answer.rows) == {spoken.symbol("BTC", "USDT")}
    asked_again = {symbol for again in answer.again for symbol in again.symbols}
    assert absent not in answer.rows
    assert asked_again <= {absent}


@every_exchange
def test_a_row_that_cannot_be_read_costs_no_other_its_price(spoken: Spoken) -> None:
    broken = Market("ETH", "USDT", extra={"lastPrice": None, "c": None, "last": None})
    rows = read(spoken, [BTC, broken], BTC, broken).rows

    assert rows[spoken.symbol("ETH", "USDT")] is None
    assert rows[spoken.symbol("BTC", "USDT")] is not None


@every_exchange
def test_one_unknown_pair_is_found_and_costs_the_others_nothing(spoken: Spoken) -> None:
    """Follow up as the aggregator does, until nothing is open."""
    unknown = spoken.symbol("NOPE", "USDT")
    pending, priced, refused = [request_for(spoken, BTC, ETH, Market("NOPE", "USDT"))], set(), set()
    for _ in range(10):
        if not pending:
            break
        request = pending.pop()
        known = [market for market in (BTC, ETH) if spoken.symbol(market.base, market.quote) in request.symbols]
        is_named = unknown in request.symbols and (request_names(request) or not known)
        answer = spoken.exchange.read_tickers(
            request, spoken.unknown(known or [BTC], unknown) if is_named else spoken.tickers(known)
        )
        priced |= {symbol for symbol, row in answer.rows.items() if row is not None}
        refused |= set(answer.refused)
        pending += answer.again

    assert priced == {spoken.symbol("BTC", "USDT"), spoken.symbol("ETH", "USDT")}
    assert refused == {unknown}


def request_names(request: Request) -> bool:
    """Tell whether a request names its symbols, so that an unknown one can fail it."""
    return "symbols=" in request.path_and_query or "pair=" in request.path_and_query


@every_exchange
def test_a_dead_market_is_not_trading(spoken: Spoken) -> None:
    dead = Market("OLD", "USDT", is_dead=True)
    row = read(spoken, [dead, BTC], dead, BTC).rows[spoken.symbol("OLD", "USDT")]

    assert row is not None
    assert row.state is RowState.DEAD
    assert assess_row(row, NOW_MS) is PairOutcome.NOT_TRADING


@every_exchange
def test_the_list_tells_base_and_quote_and_who_is_open(spoken: Spoken) -> None:
    halted = Market("LUNA", "USDT", is_open=False)
    symbols = SymbolList(spoken.exchange.read_list(spoken.listing([BTC, halted, Market("DOGE", "BTC")])).symbols)
    found = symbols.find("BTC", "USDT")

    assert found is not None
    assert (found.symbol, found.is_trading) == (spoken.symbol("BTC", "USDT"), True)
    assert symbols.find("DOGE", "BTC") is not None
    assert not symbols.is_trading(spoken.symbol("LUNA", "USDT"))


@every_exchange
def test_names_beyond_ascii_and_names_that_begin_with_digits_pass(spoken: Spoken) -> None:
    for base in ("币安人生", "1000SATS", "T"):
        market = Market(base, "USDT")
        symbols = SymbolList(spoken.exchange.read_list(spoken.listing([market])).symbols)
        found = symbols.find(base, "USDT")

        assert found is not None
        assert read(spoken, [market], market).rows[found.symbol] is not None
        assert request_for(spoken, market).path_and_query.isascii()


@every_exchange
def test_being_limited_is_told_in_the_exchanges_own_words(spoken: Spoken) -> None:
    assert isinstance(spoken.exchange.error_of(spoken.rate_limited), RateLimitedError)


@every_exchange
def test_being_away_is_told_in_the_exchanges_own_words(spoken: Spoken) -> None:
    assert isinstance(spoken.exchange.error_of(spoken.unavailable), ExchangeUnavailableError)


@every_exchange
@pytest.mark.parametrize("status", [403, 451])
def test_an_address_that_is_refused_is_blocked(spoken: Spoken, status: int) -> None:
    assert isinstance(spoken.exchange.error_of(response(b"<html>no</html>", status)), BlockedError)


@every_exchange
@pytest.mark.parametrize("status", [500, 502, 520])
def test_a_failure_with_html_is_the_exchange_being_away(spoken: Spoken, status: int) -> None:
    assert isinstance(spoken.exchange.error_of(response(b"<html>Bad gateway</html>", status)), ExchangeUnavailableError)


@every_exchange
@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null"])
def test_a_body_that_is_no_answer_is_named_as_that(spoken: Spoken, body: bytes) -> None:
    answer = response(body)

    assert spoken.exchange.error_of(answer) is None
    with pytest.raises((MalformedAnswerError, NoTickersError), match=r"exchange\.test"):
        spoken.exchange.read_tickers(request_for(spoken, BTC, ETH), answer)
    with pytest.raises(MalformedAnswerError, match=r"exchange\.test"):
        spoken.exchange.read_list(answer)


@every_exchange
def test_an_answer_without_any_row_is_the_hosts_fault(spoken: Spoken) -> None:
    with pytest.raises(NoTickersError, match=r"exchange\.test"):
        spoken.exchange.read_tickers(request_for(spoken, BTC, ETH), spoken.tickers([]))


@every_exchange
def test_a_cached_answer_says_how_old_it_is(spoken: Spoken) -> None:
    assert spoken.tickers([BTC], age="300").age_ms == 300_000
    assert spoken.tickers([BTC], last_modified="Tue, 14 Nov 2023 22:13:00 GMT").age_ms == 20_000
    assert spoken.tickers([BTC], age="soon", last_modified="yesterday").age_ms == 0


@every_exchange
def test_where_rows_do_not_tell_the_change_candles_can(spoken: Spoken) -> None:
    request = spoken.exchange.candles_request(spoken.symbol("BTC", "USDT"))

    assert (request is not None) == spoken.has_candles
