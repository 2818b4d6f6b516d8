import threading

import pytest

from market_data.exchanges.binance.payloads import decode_tickers
from market_data.exchanges.errors import (
    BannedError,
    BlockedError,
    ExchangeTimeoutError,
    ExchangeUnavailableError,
    MalformedAnswerError,
    OutOfTimeError,
    RateLimitedError,
    RefusedRequestError,
)
from market_data.ticker.source import Source
from tests.fakes import FALLBACK, HOST, FakeExchange, MovableClock, gateway_of

PATIENCE_SECONDS = 10


class Gateway:
    """The real gateway around a fake exchange whose hosts answer what a test says."""

    def __init__(self, urls=(HOST, FALLBACK), max_concurrent=3):
        self.clock = MovableClock()
        self.exchange = FakeExchange(self.clock)
        self.gateway = gateway_of(self.clock, self.exchange, urls=urls, max_concurrent=max_concurrent)

    def ask(self, *, weight=2, seconds=4.0):
        deadline = self.clock.monotonic() + seconds
        return self.gateway.request("/q?symbols=[]", decode_tickers, weight=weight, deadline=deadline, max_bytes=1000)

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

    assert exchange.ask().answer.base_url == FALLBACK


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
    exchange.ask()
    assert exchange.gateway.source is Source.SIMULATOR

    exchange.exchange.headers = {}
    exchange.ask()
    assert exchange.gateway.source is Source.BINANCE
