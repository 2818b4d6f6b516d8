"""The documents say what the code declares: settings, files, commands and targets."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from development.settings_table import FILES
from exchange_simulator.management.commands.market_drill import DRILLS
from market_data.conf.declarations import SETTINGS, Setting
from nexusmeme.env_file import read_env_file
from nexusmeme.environment import SITE_SETTINGS
from nexusmeme.settings import BASE_DIR

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")
CHANGELOG = (BASE_DIR / "CHANGELOG.md").read_text(encoding="utf-8")
ENV_EXAMPLE = (BASE_DIR / ".env.example").read_text(encoding="utf-8")
DECLARATIONS = [*SETTINGS.values(), *SITE_SETTINGS.values()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_about_the_settings_is_what_their_declarations_say(path: Path) -> None:
    is_right = path.read_text(encoding="utf-8") == FILES[path]()

    assert is_right, f"{path.name} is not up to date: run python -m development.settings_table"


@pytest.mark.parametrize("setting", DECLARATIONS, ids=lambda setting: setting.name)
def test_a_line_of_the_example_file_means_the_default_when_its_mark_is_taken_off(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENV_FILE")
    (tmp_path / ".env").write_text(re.sub(r"^#(?=[A-Z])", "", ENV_EXAMPLE, flags=re.MULTILINE), encoding="utf-8")
    given = read_env_file(tmp_path)[setting.name]

    assert setting.parse(given) == setting.parse(setting.default)


def test_the_example_file_changes_nothing_as_it_is() -> None:
    assert [line for line in ENV_EXAMPLE.splitlines() if line and not line.startswith("#")] == []


def test_every_setting_that_the_readme_names_is_declared() -> None:
    named = set(re.findall(r"\b(?:MARKET_DATA|BINANCE)_[A-Z_]+\b", README))

    assert named
    assert named <= {setting.name for setting in DECLARATIONS}


def test_every_picture_and_file_that_the_readme_links_to_exists() -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)]+)\)", README)

    assert targets
    assert [target for target in targets if not (BASE_DIR / target).is_file()] == []


def test_every_path_that_the_readme_names_exists() -> None:
    folders = {path.name for path in BASE_DIR.iterdir() if path.is_dir()}
    named = [path for path in re.findall(r"`([\w./-]+)`", README) if path.partition("/")[0] in folders and "/" in path]

    assert named
    assert [path for path in named if not (BASE_DIR / path).exists()] == []


def test_every_make_target_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", (BASE_DIR / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert {"run", "test", "demo"} <= named
    assert named <= targets


def test_every_management_command_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", README))

    assert {"run_market_fetcher", "run_exchange_simulator", "market_drill"} <= named
    assert named <= set(get_commands())


def test_the_readme_says_of_every_drill_what_happens_and_how_long_recovery_took() -> None:
    section = README.partition("## What happens when\n")[2].partition("\n## ")[0]
    rows = [re.split(r" *\| *", row.strip("| ")) for row in section.splitlines() if row.startswith("| `")]

    assert sorted(name.strip("`") for name, *_ in rows) == sorted(DRILLS)
    assert [row for row in rows if len(row) != 5 or not all(row)] == []


def test_every_section_of_the_changelog_is_a_version_with_its_date() -> None:
    sections = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    form = re.compile(r"\[Unreleased\]|\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d")

    assert sections
    assert [section for section in sections if not form.fullmatch(section)] == []
