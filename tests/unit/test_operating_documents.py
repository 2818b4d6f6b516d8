"""The documents for operators cover what exists: every alert, drill and outcome."""

import re

from exchange_simulator.binance.faults import FAULT_KINDS
from exchange_simulator.management.commands.market_drill import DRILLS
from market_data.ticker.outcome import PairOutcome
from tests.documents import PROJECT, section_of, text_of

ALERTS = re.findall(r"- alert: (\w+)", (PROJECT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
RUNBOOK = text_of("docs/runbook.md")


def test_each_alert_has_one_section_that_its_link_finds_and_that_shows_a_command() -> None:
    sections = re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)[1:]
    bodies = {section.partition("\n")[0]: section for section in sections}

    assert len(bodies) == len(sections)
    assert [alert for alert in ALERTS if alert not in bodies] == []
    assert [alert for alert in ALERTS if "```" not in bodies[alert]] == []


def test_the_runbook_uses_the_commands_that_look_inside() -> None:
    assert {"market_status", "market_check", "market_drill", "run_market_fetcher"} <= set(
        re.findall(r"manage ([a-z_]+)", RUNBOOK)
    )


def test_every_drill_and_fault_of_the_runbook_exists() -> None:
    drills = re.findall(r"manage market_drill ([a-z0-9-]+)", RUNBOOK)
    faults = re.findall(r'"kind":"(\w+)"', RUNBOOK)

    assert drills
    assert set(drills) <= set(DRILLS)
    assert faults
    assert set(faults) <= set(FAULT_KINDS)


def test_the_runbook_says_of_every_drill_what_happens_and_how_long_recovery_took() -> None:
    section = section_of("docs/runbook.md", "## What happens when")
    rows = [re.split(r" *\| *", row.strip("| ")) for row in section.splitlines() if row.startswith("| `")]

    assert sorted(name.strip("`") for name, *_ in rows) == sorted(DRILLS)
    assert [row for row in rows if len(row) != 5 or not all(row)] == []


def test_every_test_that_the_runbook_names_as_a_drill_exists() -> None:
    named = re.findall(r"\| `(test_\w+\.py)` \|", section_of("docs/runbook.md", "## What happens when"))

    assert named
    assert [name for name in named if not (PROJECT / "tests" / "drills" / name).is_file()] == []


def test_the_document_about_the_exchange_has_every_outcome() -> None:
    text = text_of("docs/exchange_apis.md")

    assert [outcome for outcome in PairOutcome if f"`{outcome}`" not in text] == []
