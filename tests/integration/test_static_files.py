"""The site's pages with and without collected static files, as a server without DEBUG serves them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
RENDER_THE_PAGE = """
import sys
from pathlib import Path
from django.conf import settings
import nexusmeme.settings as site

site.STATIC_ROOT = Path(sys.argv[1])
site.WHITENOISE_USE_FINDERS = not (site.STATIC_ROOT / "staticfiles.json").exists()
import django

django.setup()
from django.core.management import call_command
from django.test import Client

if "collect" in sys.argv:
    others = ["admin", "rest_framework"]  # which the page does not load, and compressing them takes seconds
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=others)
page = Client(headers={"host": "localhost"}).get("/").content.decode()
print(page)
"""


def page_with(folder: Path, *words: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", RENDER_THE_PAGE, str(folder), *words],
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "for-this-test",
            "DJANGO_SETTINGS_MODULE": "nexusmeme.settings",
            "REDIS_URL": "redis://127.0.0.1:1/0",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return finished.stdout


def script_of(page: str) -> str:
    found = re.search(r'<script type="module" src="/static/([^"]+)"', page)
    assert found, page
    return found[1]


def test_before_collectstatic_the_page_names_files_that_the_finders_serve(tmp_path: Path) -> None:
    script = script_of(page_with(tmp_path))

    assert (REPOSITORY / "market_data" / "static" / script).is_file()


@pytest.mark.parametrize("start", ["collect", ""])
def test_after_collectstatic_scripts_and_what_they_import_carry_a_hash(tmp_path: Path, start: str) -> None:
    page_with(tmp_path, "collect")
    pending, seen = [script_of(page_with(tmp_path, start))], set()
    while pending:
        script = pending.pop()
        seen.add(script)
        assert re.search(r"\.[0-9a-f]{12}\.js$", script), f"{script} carries no hash"
        folder = (tmp_path / script).parent
        for imported in re.findall(r'(?:from\s*|import\()"\./([^"]+)"', (tmp_path / script).read_text()):
            name = str((folder / imported).relative_to(tmp_path))
            if name not in seen:
                pending.append(name)
    assert len(seen) > 3
    assert any(script.startswith("market_data/fetcher-facts.") for script in seen), "what is loaded later counts too"
