import json
import logging
import shlex
import sys

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from market_data.logs.facts import key_values, log_facts
from nexusmeme.log_lines import JsonFormatter, KeyValueFormatter
from nexusmeme.request_id import RequestId, current_request_id


def record_of(message, *arguments, exc_info=None):
    record = logging.LogRecord("market_data.fetcher", logging.WARNING, "file", 1, message, arguments, exc_info)
    record.created = 1_700_000_000.25
    return record


def test_a_line_says_when_how_grave_who_and_what():
    line = KeyValueFormatter().format(record_of("no answer from %s", "exchange.test"))

    assert line == (
        'time=2023-11-14T22:13:20.250Z level=WARNING logger=market_data.fetcher message="no answer from exchange.test"'
    )


def test_the_same_line_as_json():
    assert json.loads(JsonFormatter().format(record_of("no answer"))) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "WARNING",
        "logger": "market_data.fetcher",
        "message": "no answer",
    }


@pytest.mark.parametrize("formatter", [KeyValueFormatter, JsonFormatter])
def test_a_traceback_and_a_message_with_line_breaks_are_one_line(formatter):
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        line = formatter().format(record_of("one\ntwo\r\u2028three", exc_info=sys.exc_info()))

    assert len(line.splitlines()) == 1
    assert "Traceback" in line


@pytest.mark.parametrize("formatter", [KeyValueFormatter, JsonFormatter])
def test_facts_are_fields_of_the_line(formatter, caplog):
    with caplog.at_level(logging.INFO):
        log_facts(logging.getLogger("market_data.facts"), logging.INFO, {"change": "ban", "to": "none"})
    (record,) = caplog.records

    assert record.getMessage() == "change=ban to=none"
    assert "change=ban to=none" in KeyValueFormatter().format(record)
    assert json.loads(JsonFormatter().format(record))["change"] == "ban"


PRINTABLE = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"], include_characters=" "))


@given(st.dictionaries(st.sampled_from(["a", "b"]), PRINTABLE))
def test_every_value_can_be_read_back(facts):
    words = [word.partition("=") for word in shlex.split(key_values(facts))]

    assert {name: value for name, _, value in words} == facts


@given(st.text())
def test_no_value_breaks_a_line(value):
    assert len(key_values({"a": value}).splitlines()) == 1


def answered_with(**headers):
    seen = []
    RequestId(lambda request: seen.append(current_request_id()))(RequestFactory().get("/", headers=headers))
    assert current_request_id() is None
    return seen[0]


def test_a_request_has_the_id_that_its_proxy_gave_it():
    assert answered_with(x_request_id="0123456789abcdef") == "0123456789abcdef"


@pytest.mark.parametrize("given_id", ["", "short", "x" * 65, "with blanks in it", 'quote"quote', "line\nbreak"])
def test_what_is_no_id_is_replaced_by_one_of_our_own(given_id):
    assert len(answered_with(x_request_id=given_id)) == 32


def test_a_line_within_a_request_has_its_id():
    lines = []
    RequestId(lambda request: lines.append(KeyValueFormatter().format(record_of("slow"))))(
        RequestFactory().get("/", headers={"x-request-id": "0123456789abcdef"})
    )

    assert lines[0].endswith("message=slow request_id=0123456789abcdef")
