import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.api.middleware_headers import (
    MAX_KINDS,
    RELEARN_MS,
    LearnedHeaders,
    MiddlewareHeaders,
    added_headers,
)
from market_data.api.response import Answer

OURS = LearnedHeaders((("Vary", "Accept-Encoding"), ("X-Project", "ours")), ())
THEIRS = LearnedHeaders((("Vary", "Accept-Encoding"), ("X-Project", "theirs")), ())
OWN = Answer(200, b"{}", [("ETag", '"a"'), ("Vary", "Accept-Encoding")])


def test_headers_count_once_they_were_the_same_twice_and_for_some_seconds_only():
    headers = MiddlewareHeaders()
    headers.learn("kind", OURS, 0)
    assert headers.of("kind", 0) is None
    headers.learn("kind", OURS, 1_000)

    assert headers.of("kind", 1_000).after == headers.of("kind", 999 + RELEARN_MS).after == OURS.after
    assert headers.of("kind", 1_000 + RELEARN_MS) is None
    assert headers.of("another kind", 1_000) is None


def test_a_clock_that_is_set_back_makes_nothing_last_longer():
    headers = MiddlewareHeaders()
    headers.learn("kind", OURS, 60_000)
    headers.learn("kind", OURS, 60_000)

    assert headers.of("kind", 59_999) is None


@given(st.lists(st.tuples(st.sampled_from([OURS, THEIRS]), st.integers(0, 5_000)), min_size=1))
def test_headers_that_changed_are_never_used(seen):
    headers, now_ms, last = MiddlewareHeaders(), 0, []
    for learned, passed_ms in seen:
        now_ms += passed_ms
        headers.learn("kind", learned, now_ms)
        last = [*last, learned][-2:]
        found = headers.of("kind", now_ms)
        assert (found is not None) is (len(last) == 2 and last[0] == last[1])
        assert found is None or found.after == learned.after


def test_there_is_a_bound_and_kinds_in_use_keep_their_place():
    headers = MiddlewareHeaders()
    headers.learn("in use", OURS, 0)
    for number in range(10 * MAX_KINDS):
        now_ms = 30 * number
        headers.learn(number, OURS, now_ms)
        if headers.of("in use", now_ms) is None:
            headers.learn("in use", OURS, now_ms)
        assert headers.of("in use", now_ms)
        assert len(headers) <= MAX_KINDS
    headers.learn("late", OURS, 10**9)
    assert len(headers) == 1


def answered(*headers, status=200, body=b"{}"):
    return Answer(status, body, list(headers))


def test_what_django_has_beyond_the_own_answer_is_what_middleware_added():
    added = added_headers(OWN, answered(*OWN.headers[:-1], ("Vary", "Accept-Encoding, Origin, X-A"), ("X", "1")))

    assert added.after == (("Vary", "Accept-Encoding, Origin, X-A"), ("X", "1"))
    assert added.varying == ("HTTP_ORIGIN", "HTTP_X_A", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE")


@pytest.mark.parametrize(
    "django_s",
    [
        answered(*OWN.headers, status=206),
        answered(*OWN.headers, body=b"{ }"),
        answered(("ETag", 'W/"a"'), OWN.headers[1]),
        answered(OWN.headers[0]),
        answered(*OWN.headers[:-1], ("Vary", "*")),
        answered(*OWN.headers[:-1], ("Vary", "Accept-Encoding, *")),
        answered(*OWN.headers[:-1], ("Vary", "Cookie")),
        answered(*OWN.headers[:-1], ("X", "Accept-Encoding")),
        answered(*OWN.headers, ("Set-Cookie", "a=b")),
        answered(*OWN.headers, ("Vary", "Origin")),
        answered(("X", "1"), *OWN.headers),
    ],
)
def test_an_answer_that_is_changed_or_personal_teaches_nothing(django_s):
    assert added_headers(OWN, django_s) is None
