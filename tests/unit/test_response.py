import pytest

from market_data.exchanges.response import HttpResponse, host_of
from tests.fakes import HOST

NOON_MS = 1_445_428_800_000  # 21 October 2015, 12:00 GMT


def response(**headers):
    return HttpResponse(HOST, 200, headers, b"", NOON_MS)


def test_the_exchange_s_clock_is_read_from_its_date():
    assert response(date="Wed, 21 Oct 2015 13:00:00 GMT").exchange_now_ms == NOON_MS + 3_600_000


@pytest.mark.parametrize("date", ["", "nonsense", "Wed, 99 Oct 2015 12:00:00 GMT"])
def test_an_unreadable_date_leaves_our_own_clock(date):
    assert response(date=date).exchange_now_ms == response().exchange_now_ms == NOON_MS


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:secret@exchange.test:8443/base", "exchange.test:8443"),
        ("https://exchange.test", "exchange.test"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_a_host_is_named_with_its_port_and_without_user_name_and_password(url, host):
    assert host_of(url) == host
