"""The headers that keep browsers from running or loading anything but the site's own files."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.test import Client

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
        ("/api/market-data/prices?pairs=FOO/BAR", 503),
        ("/api/market-data/prices?pairs=", 400),
        ("/api/market-data/health", 200),
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
