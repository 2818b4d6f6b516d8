"""The pure modules, in a real browser, against the table of cases that the server's rules are held to."""

import json
import random
from decimal import Decimal
from pathlib import Path

import pytest

from market_data.ticker import number_format

CASES = json.loads((Path(__file__).parents[1] / "unit" / "presentation_cases.json").read_text())

pytestmark = pytest.mark.browser


@pytest.fixture
def call(module_page):
    """Call an exported function of a module once for each list of arguments."""

    def call(module, function, argument_lists):
        return module_page.evaluate(
            """async ([file, name, lists]) => {
                const module = await import(`./${file}`)
                return lists.map((list) => module[name](...list))
            }""",
            [module, function, argument_lists],
        )

    return call


@pytest.mark.parametrize(
    ("table", "function"), [("price", "formatPrice"), ("compact", "formatCompact"), ("age", "formatAge")]
)
def test_figures_are_written_as_the_server_writes_them(call, table, function):
    given, expected = zip(*CASES[table], strict=True)
    assert call("number-format.js", function, [[value] for value in given]) == list(expected)


@pytest.mark.parametrize(
    ("server_rule", "function"),
    [
        (number_format.format_price, "formatPrice"),
        (number_format.format_change, "formatChange"),
        (number_format.format_compact, "formatCompact"),
    ],
)
def test_any_figure_of_an_exchange_reads_alike_from_server_and_script(call, server_rule, function):
    chance = random.Random(20)
    digits = [(chance.randrange(10 ** chance.randint(1, 20)), chance.randint(0, 12)) for _ in range(500)]
    figures = [f"{chance.choice(('', '-'))}{Decimal(number).scaleb(-scale):f}" for number, scale in digits]

    assert call("number-format.js", function, [[text] for text in figures]) == [
        server_rule(Decimal(text)) for text in figures
    ]


def test_a_change_is_written_as_the_server_writes_it(call):
    given, texts, directions = zip(*CASES["change"], strict=True)
    arguments = [[value] for value in given]
    assert call("number-format.js", "formatChange", arguments) == list(texts)
    assert call("number-format.js", "changeDirection", arguments) == list(directions)


def test_the_last_price_stands_where_the_server_puts_it(call):
    assert call("number-format.js", "rangePosition", [case[:3] for case in CASES["range"]]) == [
        case[3] for case in CASES["range"]
    ]


def test_states_are_told_in_the_servers_words(call):
    snapshots = [
        {
            "status": status,
            "pairs": ["P"] * (live + stale + missing),
            "stalePairs": ["P"] * stale,
            "missingPairs": ["P"] * missing,
        }
        for status, live, stale, missing, _ in CASES["summary"]
    ]
    assert call("presentation.js", "summary", [[snapshot] for snapshot in snapshots]) == [
        case[4] for case in CASES["summary"]
    ]
    assert call("presentation.js", "pairNote", [case[:2] for case in CASES["note"]]) == [
        case[2] for case in CASES["note"]
    ]


def test_no_digit_is_lost_between_the_answer_and_the_record(call):
    body = (
        '{"SHIB/USDT": {"pair":"SHIB/USDT", "price": 0.00001234, "volume":1082448588.00, "timestamp":1700000000000,'
        ' "change24h":-0.100,"high24h":12345678901234567.12345678,"low24h":1E-8}}'
    )
    (records,) = call("price-records.js", "parsePriceRecords", [[body]])
    record = records["SHIB/USDT"]
    assert record["text"] == {
        "price": "0.00001234",
        "volume": "1082448588.00",
        "change24h": "-0.100",
        "high24h": "12345678901234567.12345678",
        "low24h": "1E-8",
    }
    assert (record["price"], record["timestamp"], record["stale"]) == (0.00001234, 1700000000000, False)


def test_a_record_without_a_usable_price_or_time_is_left_out(call):
    time = '"timestamp":1700000000000'
    unusable = (f'{{"price":null,{time}}}', f'{{"price":0,{time}}}', '{"price":5}', "7", "null", f"{{{time}}}")
    body = ",".join(f'"P{number}":{text}' for number, text in enumerate(unusable))
    assert call("price-records.js", "parsePriceRecords", [[f"{{{body}}}"]]) == [{}]


@pytest.mark.parametrize(
    ("headers", "wait_ms"),
    [
        ({"Retry-After": "4"}, 4000),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "999999"}, 300_000),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({}, None),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:07 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 7000),
    ],
)
def test_retry_after_is_read_in_both_its_forms_and_capped(module_page, headers, wait_ms):
    script = "async (h) => (await import('./poll-timing.js')).retryAfterMs(new Headers(h))"
    assert module_page.evaluate(script, headers) == wait_ms


def test_the_pause_doubles_with_each_failure_up_to_a_cap_and_differs_between_readers(module_page):
    script = """async () => {
        const { backoffMs } = await import('./poll-timing.js')
        const pause = (failures, chance) => backoffMs(failures, 2000, () => chance)
        return [1, 2, 3, 4, 60].map((failures) => [pause(failures, 0), pause(failures, 1)])
    }"""
    assert module_page.evaluate(script) == [
        [2000, 1500], [4000, 3000], [8000, 6000], [15000, 11250], [15000, 11250],
    ]  # fmt: skip


def test_a_price_from_the_future_is_no_fresher_for_a_server_clock_that_was_set_back(call):
    price, now = {"timestamp": 10_000_000}, [10_004_000, 6_400_000, None]
    ages = [4_000, 3_600_000, float("inf")]

    assert call("price-state.js", "ageMs", [[price, instant] for instant in now]) == ages
    limits = [{"isMissing": False, "serverNowMs": instant, "staleThresholdMs": 30_000} for instant in now]
    assert call("price-state.js", "pairState", [[price, limit] for limit in limits]) == ["live", "stale", "stale"]


def test_the_worse_state_takes_precedence(call):
    conditions = ("isIdle", "hasError", "isUnavailable", "isStale")
    given = [{name: number >> index & 1 == 1 for index, name in enumerate(conditions)} for number in range(16)]

    def expected(state):
        for name, status in zip(conditions, ("idle", "error", "unavailable", "stale"), strict=True):
            if state[name]:
                return status
        return "polling"

    assert call("price-state.js", "overallStatus", [[state] for state in given]) == [expected(state) for state in given]
