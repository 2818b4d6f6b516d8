"""What people read of an inspection: masked addresses, durations, instants, columns."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.conf.declarations import SETTINGS
from market_data.conf.problems import Problem, Severity
from market_data.inspection.columns import cell, cut, shown, width, wrapped
from market_data.inspection.masking import MASK, masked
from market_data.inspection.setting_rows import setting_rows
from market_data.inspection.words import bytes_text, duration_text, instant_text

SECRET_ADDRESSES = st.sampled_from(
    [
        "redis://:{0}@cache.test:6379/0",
        "rediss://user:{0}@cache.test:6380/1?socket_timeout=2",
        "redis://cache.test:6379/0?username=reader&password={0}",
        "redis+sentinel://:{0}@a.test:1,b.test:2/mymaster/0?sentinel_password={0}",
        "https://{0}@exchange.test",
        "https://user:{0}@exchange.test/path",
        "postgres://user:{0}@db.test:5432/name?sslmode=require",
        "unix://:{0}@/run/redis.sock?db=1",
        "{0}",
    ]
)


@given(SECRET_ADDRESSES, st.text())
def test_no_password_remains_of_an_address_wherever_it_stands(address: str, rest: str) -> None:
    assert "S3cret" not in masked(address.format(f"S3cret{quote(rest, safe='')}"))


@given(st.sampled_from(["redis://:{0}@cache.test:6379/0", "https://user:{0}@exchange.test"]), st.text())
def test_no_password_remains_that_is_not_written_as_it_should_be(address: str, rest: str) -> None:
    assert "S3cret" not in masked(address.format(f"{rest}S3cret{rest}"))


@pytest.mark.parametrize(
    ("address", "shown_as"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:p@ss@w/ord@cache.test:6379/0", f"redis://{MASK}@cache.test:6379/0"),
        ("redis://c.test/0?password=a%26b&socket_timeout=0.5&ssl_cert_reqs=none",
         f"redis://c.test/0?password={MASK}&socket_timeout=0.5&ssl_cert_reqs={MASK}"),
        ("sqlite:////var/lib/nexusmeme/db.sqlite3", "sqlite:////var/lib/nexusmeme/db.sqlite3"),
        ("http://u:80/ss@exchange.test", f"http://{MASK}@exchange.test"),
        ("a-key", MASK),
        ("", "not set"),
    ],
)  # fmt: skip
def test_what_is_no_secret_of_an_address_can_be_read(address: str, shown_as: str) -> None:
    assert masked(address) == shown_as


def test_a_problem_stands_with_the_settings_that_it_names_and_with_no_other_that_its_sentence_mentions() -> None:
    names = ("MARKET_DATA_CACHE_TTL_MS", "MARKET_DATA_FETCH_INTERVAL_MS")
    problem = Problem(101, Severity.WARNING, names, "as short as MARKET_DATA_BATCH_SIZE.", "Write it longer")
    rows = setting_rows(SETTINGS.values(), lambda name: (None, "environment"), [problem])

    assert {row.name for row in rows if row.problems} == set(names)
    assert {row.verdict for row in rows if row.problems} == {"warning"}


def test_a_secret_that_cannot_be_read_as_an_address_is_not_repeated() -> None:
    values = {"BINANCE_API_BASE_URL": "http://u:S3cret:x@[", "BINANCE_API_FALLBACK_URLS": "http://u:S3,cret@a.test"}
    rows = setting_rows(SETTINGS.values(), lambda name: (values.get(name), "environment"), ())

    told = {row.name: row for row in rows if row.name in values}
    assert {row.verdict for row in told.values()} == {"error"}
    assert "S3" not in repr(told)


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [(0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (9999, "9.9 s"), (59_999, "59 s"), (60_000, "1 min"),
     (3_600_000, "1 h"), (86_400_000 * 3, "3 d")],
)  # fmt: skip
def test_a_duration_is_told_in_the_largest_unit_that_it_fills(duration_ms: int, text: str) -> None:
    assert duration_text(duration_ms) == text


def test_an_instant_is_told_by_the_clock_and_from_now() -> None:
    assert instant_text(1_634_567_890_123, 1_634_567_893_323) == "2021-10-18 14:38:10 UTC, 3.2 s ago"
    assert instant_text(1_634_567_890_123, 1_634_567_830_123) == "2021-10-18 14:38:10 UTC, in 1 min"
    assert instant_text(None, 0) == "–"


def test_an_instant_of_no_calendar_is_no_error() -> None:
    assert instant_text(10**30, 0) == f"Unix ms {10**30}"


def test_memory_is_told_in_the_largest_unit_that_it_fills() -> None:
    assert [bytes_text(count) for count in (0, 1023, 1536, 64 * 2**20, 3 * 2**30)] == [
        "0 B", "1023 B", "1.5 KiB", "64.0 MiB", "3.0 GiB",
    ]  # fmt: skip


@given(st.text(), st.integers(1, 40))
def test_a_cell_is_as_wide_as_its_column_whatever_stands_in_it(text: str, columns: int) -> None:
    assert width(cell(shown(text), columns)) == columns
    assert cut(text, max(1, width(text))) == text


@given(st.lists(st.text(min_size=1)), st.integers(2, 40))
def test_wrapped_words_keep_within_the_columns_and_none_is_lost(words: list[str], columns: int) -> None:
    lines = wrapped(words, columns)

    assert all(width(line) <= columns for line in lines)
    assert " ".join(lines) == " ".join(cut(word, columns) for word in words)


def test_nothing_that_steers_a_terminal_is_shown() -> None:
    assert shown("a\x1b[2J\n\x07b\u202e") == "a [2J  b "
