import json

import pytest

from market_data.exchanges import errors
from market_data.exchanges.binance.failures import error_of, names_unknown_symbol
from market_data.exchanges.response import HttpResponse
from tests.fakes import HOST

NOON_MS = 1_445_428_800_000  # 21 October 2015, 12:00 GMT
HTML = b"<html><body>nothing to see</body></html>"


def answer(status=200, body=b"[]", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(HOST, status, names, body, NOON_MS)


def body_of(code, message):
    return json.dumps({"code": code, "msg": message}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, body_of(-1003, "Too much request weight used."), errors.RateLimitedError),
        (418, body_of(-1003, "Way too much request weight used."), errors.BannedError),
        (403, HTML, errors.BlockedError),
        (451, body_of(0, "Service unavailable from a restricted location."), errors.BlockedError),
        (400, body_of(-1151, "Symbol is present multiple times in the list."), errors.RefusedRequestError),
        (400, HTML, errors.ExchangeUnavailableError),
        (500, body_of(-1000, "An unknown error occurred."), errors.ExchangeUnavailableError),
        (502, HTML, errors.ExchangeUnavailableError),
        (503, b"", errors.ExchangeUnavailableError),
        (302, b"", errors.ExchangeUnavailableError),
        (404, HTML, errors.ExchangeUnavailableError),
    ],
)
def test_each_status_is_a_kind_of_error_that_names_status_and_host_but_never_a_page(status, body, kind):
    error = error_of(answer(status, body))

    assert type(error) is kind
    assert "exchange.test" in str(error)
    assert "<" not in str(error)


def test_a_200_is_no_error_whatever_its_body():
    assert error_of(answer(200, HTML)) is None


def test_the_exchange_s_own_words_are_quoted_but_not_at_length():
    assert "shutting down" in str(error_of(answer(503, body_of(-1016, "This service is shutting down"))))
    assert len(str(error_of(answer(503, body_of(-1016, "x" * 100_000))))) < 300


def test_the_longest_of_the_waits_that_a_ban_names_is_kept():
    message = body_of(-1003, f"Way too much request weight used; IP banned until {NOON_MS + 90_000}.")

    assert error_of(answer(418, message)).retry_after_seconds == 90
    assert error_of(answer(418, message, retry_after="30")).retry_after_seconds == 90
    assert error_of(answer(418, message, retry_after="300")).retry_after_seconds == 300


def test_the_end_of_a_ban_is_judged_by_the_exchange_s_clock_where_ours_is_wrong():
    message = body_of(-1003, f"IP banned until {NOON_MS + 3_600_000 + 90_000}.")

    assert error_of(answer(418, message, date="Wed, 21 Oct 2015 13:00:00 GMT")).retry_after_seconds == 90


@pytest.mark.parametrize("text", ["0", "-3", "abc", "1e9", ""])
def test_a_wait_without_sense_is_left_to_the_own_floor(text):
    assert error_of(answer(429, b"", retry_after=text)).retry_after_seconds == 0


@pytest.mark.parametrize("code", [-1121, -1100])
def test_an_unknown_symbol_is_an_answer_and_no_error(code):
    refusal = answer(400, body_of(code, "Invalid symbol."))

    assert names_unknown_symbol(refusal)
    assert error_of(refusal) is None


@pytest.mark.parametrize("other", [answer(400, HTML), answer(400, body_of(-1151, "")), answer(500, body_of(-1121, ""))])
def test_nothing_else_is_taken_for_an_unknown_symbol(other):
    assert not names_unknown_symbol(other)


@pytest.mark.parametrize(
    ("message", "quoted"),
    [
        ("Internal error; unable to process.", "(-1000 Internal error; unable to process.)"),
        ("one line\nFAKE log line\x1b[31m", "(-1000 one line FAKE log line [31m)"),
        ("<html><body>Bad Gateway</body>", "(-1000)"),
    ],
)
def test_of_an_error_s_message_one_printable_line_is_quoted_and_never_markup(message, quoted):
    assert str(error_of(answer(503, body_of(-1000, message)))) == f"exchange.test answered 503 {quoted}"
