import threading
from contextlib import suppress

import pytest

from market_data.exchanges.binance.exchange import Binance
from market_data.exchanges.errors import (
    BannedError,
    BlockedError,
    CircuitOpenError,
    ExchangeError,
    ExchangeTimeoutError,
    ExchangeUnavailableError,
    MalformedAnswerError,
    OutOfTimeError,
    RateLimitedError,
    RefusedRequestError,
)
from market_data.exchanges.protocol import Request
from market_data.exchanges.response import HttpResponse
from market_data.ticker.source import Source
from tests.fakes import FALLBACK, HOST, FakeExchange, MovableClock, gateway_of

PATIENCE_SECONDS = 10
PATH = "/api/v3/ticker/24hr?symbols=%5B%22BTCUSDT%22%5D"


class Gateway:
    """The real gateway around a fake exchange whose hosts answer what a test says."""

    def __init__(self, urls=(HOST, FALLBACK), max_concurrent=3):
        self.clock = MovableClock()
        self.exchange = FakeExchange(self.clock)
        self.gateway = gateway_of(self.clock, self.exchange, urls=urls, max_concurrent=max_concurrent)

    def ask(self, *, weight=2, seconds=4.0):
        return self.gateway.tickers(Request(PATH, weight, ("BTCUSDT",)), self.clock.monotonic() + seconds)

    def answers(self, status, content=b"", host=None, **headers):
        def react(url, path):
            if host in (None, url):
                return self.exchange.answer(content, status, base_url=url, **headers)
            return self.exchange.usual(url, path)

        self.exchange.reaction = react

    @property
    def asked_hosts(self):
        return [url for url, _ in self.exchange.requests]


@pytest.mark.parametrize("status", [403, 451, 500, 502])
def test_a_fault_of_one_host_is_made_up_for_by_the_next_and_that_one_is_asked_first_from_then_on(status):
    exchange = Gateway()
    exchange.answers(status, b"<html>", host=HOST)
    exchange.ask()
    exchange.ask()

    assert exchange.asked_hosts == [HOST, FALLBACK, FALLBACK]
    assert exchange.gateway.host == "fallback.test"


def test_a_malformed_answer_sends_the_request_to_the_next_host():
    exchange = Gateway()
    exchange.answers(200, b"<html>", host=HOST)

    assert exchange.ask().response.base_url == FALLBACK


def test_where_every_host_fails_the_last_error_names_its_host():
    exchange = Gateway()
    exchange.answers(451)
    with pytest.raises(BlockedError, match=r"fallback\.test"):
        exchange.ask()

    exchange = Gateway()
    exchange.answers(200, b"{}")
    with pytest.raises(MalformedAnswerError, match=r"fallback\.test"):
        exchange.ask()


def test_a_host_that_used_up_the_time_leaves_none_for_the_others():
    exchange = Gateway()

    def hangs(url, path):
        exchange.clock.advance(4)
        raise ExchangeTimeoutError(f"{url} did not answer in time")

    exchange.exchange.reaction = hangs
    with pytest.raises(ExchangeTimeoutError):
        exchange.ask(seconds=4)

    assert exchange.asked_hosts == [HOST]


def test_a_refusal_that_every_host_would_repeat_is_asked_of_one():
    exchange = Gateway()
    exchange.answers(400, {"code": -1151, "msg": "Symbol is present multiple times in the list."})
    with pytest.raises(RefusedRequestError):
        exchange.ask()

    assert exchange.asked_hosts == [HOST]


@pytest.mark.parametrize(("status", "kind", "seconds"), [(429, RateLimitedError, 30), (418, BannedError, 30)])
def test_after_a_429_or_418_no_host_is_asked_until_the_wait_is_over(status, kind, seconds):
    exchange = Gateway()
    exchange.answers(status, retry_after=str(seconds))
    with pytest.raises(kind):
        exchange.ask()
    exchange.exchange.reaction = exchange.exchange.usual
    exchange.clock.advance(seconds - 0.5)
    with pytest.raises(kind) as refusal:
        exchange.ask()
    assert refusal.value.retry_after_seconds == 0.5
    assert exchange.asked_hosts == [HOST]

    exchange.clock.advance(0.5)
    exchange.ask()
    assert len(exchange.asked_hosts) == 2


@pytest.mark.parametrize("text", ["0", "abc", "-3"])
def test_a_429_whose_wait_makes_no_sense_still_stops_requests(text):
    exchange = Gateway()
    exchange.answers(429, retry_after=text)
    with pytest.raises(RateLimitedError) as refusal:
        exchange.ask()
    assert refusal.value.retry_after_seconds > 0

    with pytest.raises(RateLimitedError):
        exchange.ask()
    assert len(exchange.asked_hosts) == 1


def test_a_request_that_would_come_near_the_limit_is_not_sent():
    exchange = Gateway()
    exchange.gateway.budget.set_limit(1200)
    exchange.exchange.headers = {"x-mbx-used-weight-1m": "1139"}
    exchange.ask()
    with pytest.raises(RateLimitedError):
        exchange.ask()

    assert len(exchange.asked_hosts) == 1


def test_a_request_that_fails_gives_its_weight_back():
    exchange = Gateway(urls=(HOST,))
    exchange.gateway.budget.set_limit(100)

    def breaks(url, path):
        raise ExchangeUnavailableError("the connection broke")

    exchange.exchange.reaction = breaks
    for _ in range(20):
        with pytest.raises(ExchangeUnavailableError):
            exchange.ask(weight=20)
        exchange.clock.advance(exchange.gateway.seconds_until_request())


def test_a_request_that_finds_no_free_connection_in_time_says_nothing_about_the_exchange():
    exchange = Gateway(urls=(HOST,), max_concurrent=1)
    is_under_way, may_end = threading.Event(), threading.Event()

    def hangs(url, path):
        is_under_way.set()
        may_end.wait(PATIENCE_SECONDS)
        return exchange.exchange.usual(url, path)

    exchange.exchange.reaction = hangs
    other = threading.Thread(target=exchange.ask)
    other.start()
    assert is_under_way.wait(PATIENCE_SECONDS)
    with pytest.raises(OutOfTimeError):
        exchange.ask(seconds=0)
    may_end.set()
    other.join(PATIENCE_SECONDS)

    assert len(exchange.asked_hosts) == 1


def test_the_answers_tell_whether_prices_are_simulated():
    exchange = Gateway()
    exchange.exchange.headers = {"x-market-data-source": "simulator"}
    assert exchange.ask().source is exchange.gateway.source is Source.SIMULATOR

    for headers in ({}, {"x-market-data-source": "anything"}):
        exchange.exchange.headers = headers
        assert exchange.ask().source is exchange.gateway.source is Source.BINANCE


def test_an_error_page_in_between_does_not_make_simulated_prices_real_ones():
    exchange = Gateway(urls=(HOST,))
    exchange.exchange.headers = {"x-market-data-source": "simulator"}
    simulated = exchange.exchange.usual

    def is_overtaken_by_an_error(url, path):
        exchange.exchange.reaction = lambda url, path: HttpResponse(url, 502, {}, b"<html>", 0)
        with pytest.raises(ExchangeUnavailableError):
            exchange.ask()
        return simulated(url, path)

    exchange.exchange.reaction = is_overtaken_by_an_error

    assert exchange.ask().source is exchange.gateway.source is Source.SIMULATOR


def test_the_circuit_opens_after_three_failures_lets_one_probe_through_and_closes_with_its_answer():
    exchange = Gateway(urls=(HOST,))
    exchange.answers(502, b"<html>")
    for _ in range(3):
        with pytest.raises(ExchangeUnavailableError):
            exchange.ask()
    with pytest.raises(CircuitOpenError):
        exchange.ask()
    assert exchange.gateway.needs_probe
    assert len(exchange.asked_hosts) == 3

    exchange.exchange.reaction = exchange.exchange.usual
    exchange.clock.advance(exchange.gateway.seconds_until_request())
    exchange.ask()
    assert not exchange.gateway.needs_probe


@pytest.mark.parametrize(("status", "content"), [(429, b""), (403, b""), (400, {"code": -1121, "msg": ""}), (200, [])])
def test_what_says_nothing_of_an_outage_leaves_the_circuit_closed(status, content):
    exchange = Gateway(urls=(HOST,))
    exchange.answers(status, content)
    for _ in range(5):
        with suppress(ExchangeError):
            exchange.ask()
        exchange.clock.advance(700)

    assert exchange.gateway.breaker.snapshot().consecutive_failures == 0


def test_a_list_that_a_host_refuses_in_its_lean_form_is_asked_for_whole():
    exchange = Gateway(urls=(HOST,))
    lean, whole = Binance().list_requests()

    def refuses_parameters(url, path):
        if "?" in path:
            return exchange.exchange.answer({"code": -1101, "msg": "Too many parameters."}, 400)
        return exchange.exchange.usual(url, path)

    exchange.exchange.reaction = refuses_parameters
    listing = exchange.gateway.symbol_listing([lean, whole], exchange.clock.monotonic() + 8)

    assert [symbol.symbol for symbol in listing.content.symbols] == ["BTCUSDT", "ETHUSDT"]


def test_a_list_that_fails_for_another_reason_is_not_asked_for_in_another_form():
    exchange = Gateway(urls=(HOST,))
    exchange.answers(502, b"<html>")
    with pytest.raises(ExchangeUnavailableError):
        exchange.gateway.symbol_listing(Binance().list_requests(), exchange.clock.monotonic() + 8)

    assert len(exchange.asked_hosts) == 1
    assert exchange.gateway.breaker.snapshot().consecutive_failures == 0


def test_a_host_that_blocks_is_left_alone_while_a_host_that_only_fails_is_asked_where_no_other_is_left():
    exchange = Gateway()
    hosts = exchange.gateway.hosts
    hosts.failed(FALLBACK, "answered 502")
    hosts.failed(HOST, "answered 451", is_block=True)
    assert hosts.in_order() == (FALLBACK,)
    hosts.failed(FALLBACK, "answered 403", is_block=True)

    assert hosts.in_order() == ()
    assert exchange.gateway.seconds_until_request() == 10
    with pytest.raises(BlockedError, match=r"answered 4.*asked again in 10 s"):
        exchange.ask()
    assert exchange.asked_hosts == []
    exchange.clock.advance(10)
    assert exchange.gateway.needs_probe
    hosts.succeeded(HOST)
    assert not exchange.gateway.needs_probe
