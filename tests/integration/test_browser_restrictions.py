"""The headers that keep browsers from running or loading anything but the site's own files."""

import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.test import Client

from market_data.api.response import API_HEADERS

TEMPLATES = ("templates", "market_data/templates")
REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.usefixtures("ticker_cache"), pytest.mark.django_db]


def policy(response: HttpResponse) -> dict[str, str]:
    directives = response["Content-Security-Policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/admin/login/", 200),
        ("/admin/", 302),
        ("/no-such-page", 404),
    ],
)
def test_every_answer_forbids_what_is_not_the_site_s_own(client: Client, path: str, status: int) -> None:
    response = client.get(path)

    assert response.status_code == status
    directives = policy(response)
    assert directives["default-src"] == directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert set(directives.values()) == {"'none'", "'self'"}
    assert "camera=()" in response["Permissions-Policy"]
    assert (response["X-Content-Type-Options"], response["X-Frame-Options"]) == ("nosniff", "DENY")
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("prices?pairs=FOO/BAR", 503),
        ("prices?pairs=", 400),
        ("history", 200),
        ("init", 200),
        ("health", 200),
        ("pairs", 200),
        ("no-such-thing", 404),
    ],
)
@pytest.mark.parametrize("middleware", ["the site's", "none"])
def test_the_api_forbids_everything_and_sends_the_same_headers_whatever_middleware_there_is(
    client: Client, settings: LazySettings, middleware: str, path: str, status: int
) -> None:
    if middleware == "none":
        settings.MIDDLEWARE = []
    response = client.get(f"/api/market-data/{path}")

    assert response.status_code == status
    assert set(policy(response).values()) == {"'none'"}
    assert policy(response).keys() == {"default-src", "base-uri", "form-action", "frame-ancestors"}
    assert (response["X-Content-Type-Options"], response["X-Frame-Options"]) == ("nosniff", "DENY")
    assert response["Referrer-Policy"] == response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response["Content-Length"] == str(len(response.content))
    own = {"Content-Type", "Cache-Control", "X-Market-Data-Time", "X-Market-Data-Source", "Content-Length"}
    shared = {*own, *dict(API_HEADERS)}
    assert shared <= response.headers.keys() <= shared | {"Allow", "Retry-After", "ETag"}


def test_static_files_carry_the_policy_too(client: Client) -> None:
    assert finders.find("market_data/favicon.svg")
    response = client.get("/static/market_data/favicon.svg")

    assert response.status_code == 200
    assert policy(response)["script-src"] == "'self'"


@pytest.mark.parametrize("folder", TEMPLATES)
def test_no_template_needs_an_exception_from_the_policy(folder: str) -> None:
    templates = list((REPOSITORY / folder).rglob("*.html"))
    assert templates
    forbidden = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:|https?://", re.IGNORECASE)

    assert [f"{path.name}: {found[0]}" for path in templates for found in forbidden.finditer(path.read_text())] == []
