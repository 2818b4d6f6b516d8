"""The documents for operators name what exists: alerts, keys, settings, commands, paths and each other's sections."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from exchange_simulator.faults import kinds_as_json
from exchange_simulator.management.commands.market_drill import DRILLS
from market_data.conf.declarations import SETTINGS
from market_data.exchanges.binance.exchange import Binance
from market_data.ticker.outcome import PairOutcome
from market_data.ticker_cache import keys as cache_contract
from nexusmeme.environment import SITE_SETTINGS
from nexusmeme.settings import BASE_DIR

ALERTS = re.findall(r"- alert: (\w+)", (BASE_DIR / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
DOCUMENTS = {name: BASE_DIR / "docs" / f"{name}.md" for name in ("runbook", "redis", "exchange_apis", "performance")}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in DOCUMENTS.items()}
each_document = pytest.mark.parametrize("name", DOCUMENTS)


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def headings_of(path: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)


def anchor(heading: str) -> str:
    """Return what a forge makes of a heading for links."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def keys_in_the_contract() -> set[str]:
    prefixes = {value for name, value in vars(cache_contract).items() if name.endswith("_KEY_PREFIX")}
    return {prefix + "{pair}" for prefix in prefixes} | {
        value for name, value in vars(cache_contract).items() if name.endswith("_KEY")
    }


def test_each_alert_has_one_section_that_its_link_finds_and_that_shows_a_command() -> None:
    sections = re.split(r"^## ", TEXTS["runbook"], flags=re.MULTILINE)[1:]
    bodies = {section.partition("\n")[0]: section for section in sections}

    assert len(bodies) == len(sections)
    assert [alert for alert in ALERTS if alert not in bodies] == []
    assert [alert for alert in ALERTS if "```" not in bodies[alert]] == []


@each_document
def test_every_link_leads_to_a_file_and_to_a_section_of_it(name: str) -> None:
    broken = []
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", without_code(TEXTS[name])):
        file, _, section = target.partition("#")
        path = (DOCUMENTS[name].parent / file).resolve() if file else DOCUMENTS[name]
        if not path.is_file() or (section and section not in map(anchor, headings_of(path))):
            broken.append(target)

    assert broken == []


@each_document
def test_every_path_that_is_named_exists(name: str) -> None:
    folders = {path.name for path in BASE_DIR.iterdir() if path.is_dir()}
    named = [path for path in re.findall(r"`([\w./-]+)`", TEXTS[name]) if path.partition("/")[0] in folders]

    assert [path for path in named if not (BASE_DIR / path).exists()] == []


@each_document
def test_every_setting_that_is_named_is_declared(name: str) -> None:
    declared = {setting.name for setting in (*SETTINGS.values(), *SITE_SETTINGS.values())}
    named = set(re.findall(r"\b(?:MARKET_DATA|BINANCE|TRADING|LOG)_[A-Z_]*[A-Z]\b", TEXTS[name]))

    assert named
    assert named <= declared


@each_document
def test_every_command_of_manage_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"(?:manage\.py|[$`(] ?manage|=\w+ manage)\s+([a-z_]+)", TEXTS[name]))

    assert named <= set(get_commands())


def test_the_runbook_uses_the_commands_that_look_inside() -> None:
    assert {"market_status", "market_check", "market_drill", "run_market_fetcher"} <= set(
        re.findall(r"manage ([a-z_]+)", TEXTS["runbook"])
    )


def test_every_drill_and_fault_of_the_runbook_exists() -> None:
    drills = re.findall(r"manage\s+market_drill\s+([a-z0-9-]+)", TEXTS["runbook"])
    faults = re.findall(r'"kind":"(\w+)"', TEXTS["runbook"])

    assert drills
    assert set(drills) <= set(DRILLS)
    assert faults
    assert set(faults) <= set(kinds_as_json())


def test_the_document_about_redis_has_exactly_the_keys_of_the_contract() -> None:
    table = TEXTS["redis"].partition("## Keys\n")[2].partition("```")[0]
    rows = set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))

    assert rows == keys_in_the_contract()


@each_document
def test_every_key_that_is_named_is_one_of_the_contract(name: str) -> None:
    beginnings = tuple(key.removesuffix("{pair}") for key in keys_in_the_contract())
    named = re.findall(r"(?<![/\w])market_data\w*:[\w{]\S*", TEXTS[name])

    assert [key for key in named if not key.startswith(beginnings)] == []


def test_the_document_about_the_exchange_has_every_outcome_and_every_request() -> None:
    text = TEXTS["exchange_apis"]
    by_breaker_alone = {PairOutcome.CIRCUIT_OPEN}

    assert [outcome for outcome in PairOutcome if f"`{outcome}`" not in text and outcome not in by_breaker_alone] == []
    assert f"GET {Binance().list_requests()[0].path_and_query}`" in text


@each_document
def test_the_readme_leads_to_the_document(name: str) -> None:
    assert f"](docs/{name}.md)" in (BASE_DIR / "README.md").read_text(encoding="utf-8")
