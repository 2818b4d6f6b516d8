"""The documents say what the code declares: settings, keys, files, commands, targets, and each other's sections."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from development.settings_table import FILES
from market_data.conf.declarations import SETTINGS, Setting
from market_data.ticker_cache import keys
from nexusmeme.env_file import read_env_file
from nexusmeme.environment import SITE_SETTINGS
from nexusmeme.settings import BASE_DIR
from tests.documents import DOCUMENTS, anchors_of, section_of, text_of, without_code

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")
CHANGELOG = (BASE_DIR / "CHANGELOG.md").read_text(encoding="utf-8")
ENV_EXAMPLE = (BASE_DIR / ".env.example").read_text(encoding="utf-8")
DECLARATIONS = [*SETTINGS.values(), *SITE_SETTINGS.values()]
each_document = pytest.mark.parametrize("document", DOCUMENTS)


def keys_of_the_contract() -> set[str]:
    prefixes = {value for name, value in vars(keys).items() if name.endswith("_KEY_PREFIX")}
    return {f"{prefix}{{pair}}" for prefix in prefixes} | {
        value for name, value in vars(keys).items() if name.endswith("_KEY")
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_about_the_settings_is_what_their_declarations_say(path: Path) -> None:
    is_right = path.read_text(encoding="utf-8") == FILES[path]()

    assert is_right, f"{path.name} is not up to date: run python -m development.settings_table"


@pytest.mark.parametrize(
    "setting",
    [setting for setting in DECLARATIONS if f"#{setting.name}=" in ENV_EXAMPLE],
    ids=lambda setting: setting.name,
)
def test_a_line_of_the_example_file_means_the_default_when_its_mark_is_taken_off(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENV_FILE")
    (tmp_path / ".env").write_text(re.sub(r"^#(?=[A-Z])", "", ENV_EXAMPLE, flags=re.MULTILINE), encoding="utf-8")
    given = read_env_file(tmp_path)[setting.name]

    assert setting.parse(given) == setting.parse(setting.default)


def test_the_example_file_has_every_setting_that_the_site_does_not_fix() -> None:
    named = re.findall(r"^#([A-Z_]+)=", ENV_EXAMPLE, re.MULTILINE)

    assert named == [setting.name for setting in DECLARATIONS if setting.name != "MARKET_DATA_CACHE_ALIAS"]


def test_the_example_file_changes_nothing_as_it_is() -> None:
    assert [line for line in ENV_EXAMPLE.splitlines() if line and not line.startswith("#")] == []


@each_document
def test_every_setting_that_is_named_is_declared(document: str) -> None:
    named = set(re.findall(r"\b(?:MARKET_DATA|BINANCE|TRADING|LOG)_[A-Z_]*[A-Z]\b", text_of(document)))

    assert named <= {setting.name for setting in DECLARATIONS}


@each_document
def test_every_link_leads_to_a_file_and_to_a_section_of_it(document: str) -> None:
    broken = []
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", without_code(text_of(document))):
        name, _, section = target.partition("#")
        file = (BASE_DIR / document).parent / name if name else BASE_DIR / document
        found = file.exists() and (not section or section in anchors_of(file))
        broken += [] if found else [target]

    assert broken == []


@each_document
def test_every_path_that_is_named_exists(document: str) -> None:
    folders = {path.name for path in BASE_DIR.iterdir() if path.is_dir()}
    named = [path for path in re.findall(r"`([\w./-]+)`", text_of(document)) if "/" in path]

    assert [path for path in named if path.partition("/")[0] in folders and not (BASE_DIR / path).exists()] == []


@each_document
def test_every_make_target_that_is_named_exists(document: str) -> None:
    code = "\n".join(re.findall(r"^```.*?^```|`[^`\n]+`", text_of(document), re.MULTILINE | re.DOTALL))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", code, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (BASE_DIR / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert named <= targets


@each_document
def test_every_management_command_that_is_named_exists(document: str) -> None:
    named = set(re.findall(r"(?:manage\.py|[$`(] ?manage|=\w+ manage) ([a-z_]+)", text_of(document)))

    assert named <= set(get_commands())


@each_document
def test_every_key_that_is_named_is_one_of_the_contract(document: str) -> None:
    beginnings = tuple(key.removesuffix("{pair}") for key in keys_of_the_contract())
    named = re.findall(r"(?<![/\w])market_data\w*:[\w{]\S*", text_of(document))

    assert [key for key in named if not key.startswith(beginnings)] == []


def test_the_document_about_redis_has_exactly_the_keys_of_the_contract() -> None:
    rows = set(re.findall(r"^\| `([^`]+)` \|", section_of("docs/redis.md", "## Keys"), re.MULTILINE))

    assert rows == keys_of_the_contract()


def test_the_readme_leads_to_every_document() -> None:
    assert [document for document in DOCUMENTS[1:] if f"]({document})" not in README] == []


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len(README.splitlines()) <= 220


def test_the_readme_says_of_every_folder_of_the_app_what_is_in_it() -> None:
    folders = [path.name for path in (BASE_DIR / "market_data").iterdir() if (path / "__init__.py").exists()]
    section = section_of("README.md", "### Where is it")

    assert "exchanges" in folders
    assert [folder for folder in folders if f"`market_data/{folder}/`" not in section] == []


def test_the_readme_has_the_five_settings_that_matter_with_their_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", section_of("README.md", "## Settings"), re.MULTILINE)
    right = {
        setting.name: f"`{setting.default}`{f' {setting.unit}' if setting.unit else ''}" if setting.default else "none"
        for setting in DECLARATIONS
    }

    assert len(rows) == 5
    assert [row for row in rows if right[row[0]] != row[1]] == []


def test_the_readme_has_every_status_of_prices() -> None:
    statuses = re.findall(r"^\| (\d+) \|", section_of("README.md", "## The API"), re.MULTILINE)

    examples = re.findall(r"^### (\d+):", section_of("docs/api.md", "## `prices`"), re.MULTILINE)
    assert sorted(statuses) == sorted(examples)


def test_the_figures_of_reading_are_those_of_the_benchmark() -> None:
    table = re.findall(r"^\|.*", section_of("docs/performance.md", "## One core beside its peers"), re.MULTILINE)
    figures = re.findall(r"\d+,\d{3}", "\n".join(table))
    measured = (BASE_DIR / "benchmarks" / "results" / "read-path.md").read_text(encoding="utf-8")

    assert figures
    assert [figure for figure in figures if f"| {figure} (" not in measured] == []


def test_every_section_of_the_changelog_is_a_version_with_its_date() -> None:
    sections = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    form = re.compile(r"\[Unreleased\]|\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d")

    assert sections
    assert [section for section in sections if not form.fullmatch(section)] == []


def test_an_entry_of_the_changelog_takes_two_lines_at_most() -> None:
    entries = re.findall(r"^- .*(?:\n  .*)*", CHANGELOG, re.MULTILINE)

    assert entries
    assert [entry for entry in entries if entry.count("\n") > 1 or max(map(len, entry.splitlines())) > 120] == []
