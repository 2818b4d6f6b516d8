import logging
import pprint
import sys

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from nexusmeme.environment import secret_values
from nexusmeme.log_lines import JsonFormatter, KeyValueFormatter
from nexusmeme.secret_masking import MASK, MaskingExceptionReporter, mask, secret_texts

PASSWORDS = st.text(st.characters(codec="ascii", exclude_categories=("Cc", "Zs")), min_size=4, max_size=40)


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ("redis://:hunter22@cache.test:6379/0", {"hunter22"}),
        ("rediss://user:a%2Fb%40c@cache.test", {"a%2Fb%40c", "a/b@c"}),
        ("redis://cache.test/0?password=hunter22&db=1", {"hunter22"}),
        ("redis://:pa/ss#@cache.test", {"pa/ss#"}),
        ('["https://a:first-one@x.test","https://b:second@y.test"]', {"first-one", "second"}),
        ("https://a:first-one@x.test,https://b:second@y.test", {"first-one", "second"}),
        ("a-long-random-text", {"a-long-random-text"}),
        ("redis://127.0.0.1:6379/0", set()),
        ("", set()),
    ],
)
def test_of_an_address_its_password_is_secret_and_of_what_is_no_address_the_whole(value, secrets):
    assert secret_texts([value]) == secrets


@given(PASSWORDS)
def test_a_secret_is_masked_as_it_is_as_python_writes_it_and_in_html(secret):
    secrets = frozenset([secret])
    shown = f"before {secret} {secret!r} {pprint.pformat([secret, 'x' * 90])} after"

    assert secret not in mask(shown, secrets).replace(MASK, "")
    assert mask("before", secrets) == ("before" if secret not in "before" else mask("before", secrets))


def test_a_secret_that_python_breaks_into_several_pieces_is_masked_too():
    broken = pprint.pformat({"packed": [b"x" * 60 + b"recognisable-password" + b" " * 80]})
    assert "recognisable-password" not in broken

    masked = mask(broken, frozenset(["recognisable-password"]))
    assert MASK in masked
    assert "recog" not in masked


def test_without_secrets_nothing_changes():
    assert mask("text", frozenset()) == "text"


@pytest.mark.parametrize("formatter", [KeyValueFormatter, JsonFormatter])
def test_what_is_logged_is_masked_with_its_traceback(formatter):
    (key,) = [value for value in secret_values() if value == "for-tests-only"]
    try:
        raise ValueError(f"{key} in an exception")
    except ValueError:
        record = logging.LogRecord("name", logging.ERROR, "file", 1, "%s in an argument", (key,), sys.exc_info())

    line = formatter().format(record)
    assert line.count(MASK) >= 2
    assert key not in line


@pytest.mark.parametrize("form", ["get_traceback_html", "get_traceback_text"])
def test_the_report_that_development_mode_shows_has_no_secret_in_messages_variables_or_settings(settings, form):
    settings.DEBUG = True
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://:for-tests-only@cache.test"}}
    try:
        address = {"nested": ["redis://:for-tests-only@cache.test"]}
        raise ValueError(f"{address} is wrong")
    except ValueError:
        report = getattr(MaskingExceptionReporter(RequestFactory().get("/"), *sys.exc_info()), form)()

    assert "ValueError" in report
    assert MASK in report
    assert "for-tests-only" not in report
