"""The last line of defence for passwords and keys: whatever is logged or shown of an error passes through here."""

import html
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

from django.views.debug import ExceptionReporter

from nexusmeme.environment import secret_values

MASK = "********"
_SHORTEST = 4
"""A shorter secret would black out half of every line."""
_PASSWORD_IN_URL = re.compile(r"://[^:@/\s]*:([^\s\",]+)@|[?&]\w*password=([^&\s\",]+)")
# Python writes long text and bytes as several quoted pieces, one below the other.
_BREAK = r"(?:(?:'|\"|&#x27;|&quot;)\s+b?(?:'|\"|&#x27;|&quot;))?"


def secret_texts(values: Iterable[str]) -> frozenset[str]:
    """Return the passwords of the addresses among `values`, as written and decoded, and what is no address whole."""
    found: set[str] = set()
    for value in values:
        passwords = [first or second for first, second in _PASSWORD_IN_URL.findall(value)]
        found.update(passwords if "://" in value else [value])
    found |= {unquote(text) for text in found}
    return frozenset(text for text in found if len(text) >= _SHORTEST)


def mask(text: str, secrets: frozenset[str]) -> str:
    """Return `text` with every secret blacked out, also where it is HTML or Python's way of writing it."""
    pattern = _pattern(secrets)
    return pattern.sub(MASK, text) if pattern else text


class MaskingExceptionReporter(ExceptionReporter):
    """Django's report of an exception, as development mode shows it, without secrets."""

    def get_traceback_html(self) -> str:
        return mask(super().get_traceback_html(), configured_secrets())

    def get_traceback_text(self) -> str:
        return mask(super().get_traceback_text(), configured_secrets())


def configured_secrets() -> frozenset[str]:
    """Return the secrets that are set for this process."""
    return secret_texts(secret_values())


@lru_cache(maxsize=8)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    longest_first = sorted(secrets, key=len, reverse=True)
    return re.compile("|".join(_BREAK.join(map(_forms, secret)) for secret in longest_first)) if secrets else None


def _forms(character: str) -> str:
    forms = {character, html.escape(character), repr(character)[1:-1]}
    return f"(?:{'|'.join(re.escape(form) for form in sorted(forms))})" if len(forms) > 1 else re.escape(character)
