"""Alerts and dashboard: promtool accepts them, each alert fires in its own case and is silent in the usual one, and
whatever they ask for is what `/metrics` tells."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from market_data.api.counters import Counters
from market_data.metrics.served import ServedMetrics
from nexusmeme.settings import BASE_DIR
from tests.metrics_text import samples_of
from tests.unit.test_fetcher_metrics import STATUS, Collected

DEPLOY = BASE_DIR / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
RULES = {rule["alert"]: rule for rule in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]}
PANELS = json.loads((DEPLOY / "grafana" / "nexusmeme.json").read_text(encoding="utf-8"))["panels"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
RUNBOOK = (BASE_DIR / "docs" / "runbook.md").read_text(encoding="utf-8")
NAMES = {
    "NexusMemeWebDown", "NexusMemeFetcherDown", "NexusMemePricesStale", "NexusMemePairsMissing",
    "NexusMemeCacheUnreachable", "NexusMemeCircuitOpen", "NexusMemeBanned", "NexusMemeBlocked", "NexusMemeRateLimited",
    "NexusMemeWeightNearLimit", "NexusMemeCyclesFail", "NexusMemeServerErrors", "NexusMemeServedAgeHigh",
    "NexusMemeExchangeStandsStill", "NexusMemeFailedOver", "NexusMemePricesDiverge",
}  # fmt: skip

# A minute a value. Two web servers tell the same of the fetcher, and each of itself.
USUAL = {
    "up": "1x30",
    "nexusmeme_cache_up": "1x30",
    "nexusmeme_fetcher_running": "1x30",
    'nexusmeme_pairs{state="fresh"}': "4x30",
    'nexusmeme_pairs{state="stale"}': "0 1 0 0 1 0x25",
    'nexusmeme_pairs{state="missing"}': "0x30",
    'nexusmeme_circuit_state{state="closed"}': "1x30",
    'nexusmeme_circuit_state{state="open"}': "0x30",
    "nexusmeme_ban_end_time_seconds": "0x30",
    "nexusmeme_rate_limit_end_time_seconds": "0x30",
    'nexusmeme_pair_outcomes{outcome="blocked"}': "0x30",
    'nexusmeme_pair_outcomes{outcome="rate_limited"}': "0x30",
    'nexusmeme_exchange_standing_still{exchange="kraken"}': "0x30",
    'nexusmeme_exchange_pairs_failed_over{exchange="kraken"}': "0 4 4 4 4 4 4 4 4 4 0x20",
    "nexusmeme_pairs_diverging": "0x30",
    "nexusmeme_aliases_off": "0x30",
    "nexusmeme_request_weight_used": "44x30",
    "nexusmeme_request_weight_limit": "6000x30",
    "nexusmeme_fetch_attempts_total": "0+15x30",
    'nexusmeme_fetch_cycles_total{result="success"}': "0+15x30",
    'nexusmeme_fetch_cycles_total{result="error"}': "0x30",
    'nexusmeme_served_answers_total{endpoint="prices",status="200"}': "0+1000x30",
    'nexusmeme_served_answers_total{endpoint="prices",status="503"}': "0+10x30",
    'nexusmeme_served_age_seconds_bucket{le="4.0"}': "0+1000x30",
    'nexusmeme_served_age_seconds_bucket{le="15.0"}': "0+1000x30",
    'nexusmeme_served_age_seconds_bucket{le="30.0"}': "0+1000x30",
    'nexusmeme_served_age_seconds_bucket{le="+Inf"}': "0+1000x30",
}
TROUBLES: dict[str, dict[str, str]] = {
    "NexusMemeWebDown": {"up": "0x30"},
    "NexusMemeFetcherDown": {"nexusmeme_fetcher_running": "0x30"},
    "NexusMemePricesStale": {'nexusmeme_pairs{state="stale"}': "1x30"},
    "NexusMemePairsMissing": {'nexusmeme_pairs{state="missing"}': "1x30"},
    "NexusMemeCacheUnreachable": {"nexusmeme_cache_up": "0x30"},
    "NexusMemeCircuitOpen": {
        'nexusmeme_circuit_state{state="closed"}': "0x30",
        'nexusmeme_circuit_state{state="open"}': "1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0",
    },
    "NexusMemeBanned": {"nexusmeme_ban_end_time_seconds": "7200x30"},
    "NexusMemeBlocked": {'nexusmeme_pair_outcomes{outcome="blocked"}': "4x30"},
    "NexusMemeRateLimited": {'nexusmeme_pair_outcomes{outcome="rate_limited"}': "4x30"},
    "NexusMemeWeightNearLimit": {"nexusmeme_request_weight_used": "5000x30"},
    "NexusMemeExchangeStandsStill": {'nexusmeme_exchange_standing_still{exchange="kraken"}': "1x30"},
    "NexusMemeFailedOver": {'nexusmeme_exchange_pairs_failed_over{exchange="kraken"}': "2x30"},
    "NexusMemePricesDiverge": {"nexusmeme_pairs_diverging": "1x30"},
    "NexusMemeCyclesFail": {'nexusmeme_fetch_cycles_total{result="error"}': "0+3x30"},
    "NexusMemeServerErrors": {'nexusmeme_served_answers_total{endpoint="prices",status="503"}': "0+100x30"},
    "NexusMemeServedAgeHigh": {'nexusmeme_served_age_seconds_bucket{le="15.0"}': "0+980x30",
                               'nexusmeme_served_age_seconds_bucket{le="4.0"}': "0+900x30"},
}  # fmt: skip
_SERVERS = ({"instance": "a"}, {"instance": "b"})
WHERE: dict[str, tuple[dict[str, str], ...]] = {
    "NexusMemeCacheUnreachable": _SERVERS,
    "NexusMemeWebDown": _SERVERS,
    "NexusMemeExchangeStandsStill": ({"exchange": "kraken"},),
    "NexusMemeFailedOver": ({"exchange": "kraken"},),
}
"""Alerts that name the web server or the exchange; the others speak of the whole."""


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def series(values: dict[str, str]) -> list[dict[str, str]]:
    told = []
    for name, points in values.items():
        metric, _, labels = name.rstrip("}").partition("{")
        for instance in "ab":
            given = ",".join(filter(None, [labels, f'job="nexusmeme",instance="{instance}"']))
            told.append({"series": f"{metric}{{{given}}}", "values": points})
    return told


def expected(alert: str) -> list[dict[str, Any]]:
    rule = RULES[alert]
    return [
        {"exp_labels": {"job": "nexusmeme", **rule["labels"], **place}, "exp_annotations": rule["annotations"]}
        for place in WHERE.get(alert, ({},))
    ]


def run_rules(
    folder: Path, values: dict[str, str], firing: tuple[str, ...], at: str = "20m", every: str = "1m"
) -> None:
    shutil.copy(ALERTS, folder / "alerts.yml")
    tests = [
        {"eval_time": at, "alertname": alert, "exp_alerts": expected(alert) if alert in firing else []}
        for alert in RULES
    ]
    content = {
        "rule_files": ["alerts.yml"],
        "evaluation_interval": every,
        "tests": [{"interval": every, "input_series": series(values), "alert_rule_test": tests}],
    }
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def exposed_names() -> set[str]:
    """Return the names of all samples that there can be."""
    counters = Counters()
    counters.count("prices", 200, 0.001, age_ms=1)
    served = ServedMetrics(counters, {})

    class Everything:
        def collect(self) -> list[Any]:
            return [*Collected(STATUS, ages_ms=(1,)).collect(), *served.families()]

    names = {name for name, _ in samples_of(generate_latest(Everything()).decode())}  # type: ignore[arg-type]
    return names | {"nexusmeme_cache_up", "nexusmeme_build_info"}  # which tests/integration/test_metrics.py reads


def asked_for(expression: str) -> set[str]:
    return set(re.findall(r"\bnexusmeme_\w+", expression))


def test_there_is_a_case_for_every_alert_and_no_other() -> None:
    assert set(RULES) == set(TROUBLES) == NAMES


def test_promtool_accepts_the_rules_and_the_example_of_a_configuration() -> None:
    assert promtool("check", "rules", ALERTS).returncode == 0
    done = promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("alert", TROUBLES)
def test_an_alert_fires_in_its_own_trouble_and_no_other_does(alert: str, tmp_path: Path) -> None:
    run_rules(tmp_path, {**USUAL, **TROUBLES[alert]}, (alert,))


def test_no_alert_fires_while_all_is_as_usual(tmp_path: Path) -> None:
    for at in ("1m", "4m", "20m"):
        run_rules(tmp_path, USUAL, (), at)


def test_a_ban_that_is_over_is_no_alert_any_more(tmp_path: Path) -> None:
    run_rules(tmp_path, {**USUAL, "nexusmeme_ban_end_time_seconds": "600x30"}, ("NexusMemeBanned",), "9m")
    run_rules(tmp_path, {**USUAL, "nexusmeme_ban_end_time_seconds": "600x30"}, (), "11m")


def test_a_wait_for_the_limit_fires_without_any_outcome_too(tmp_path: Path) -> None:
    run_rules(tmp_path, {**USUAL, "nexusmeme_rate_limit_end_time_seconds": "7200x30"}, ("NexusMemeRateLimited",))


def test_an_alias_that_slips_fires_without_any_pair_that_two_exchanges_priced_too(tmp_path: Path) -> None:
    run_rules(tmp_path, {**USUAL, "nexusmeme_aliases_off": "1x30"}, ("NexusMemePricesDiverge",))


def test_weight_that_nears_the_limit_minute_by_minute_fires_though_each_begins_at_zero(tmp_path: Path) -> None:
    values = {**USUAL, "nexusmeme_request_weight_used": "1000 2500 4000 5500 " * 8}

    run_rules(tmp_path, values, ("NexusMemeWeightNearLimit",), "5m", every="15s")


def test_a_single_minute_near_the_limit_is_no_alert(tmp_path: Path) -> None:
    values = {**USUAL, "nexusmeme_request_weight_used": "44 2500 4000 5500 44x26"}

    for at in ("1m", "2m", "3m", "4m"):
        run_rules(tmp_path, values, (), at, every="15s")


def test_before_any_reader_and_without_any_figure_of_the_fetcher_nothing_fires(tmp_path: Path) -> None:
    run_rules(tmp_path, {"nexusmeme_cache_up": "1x30"}, ())


@pytest.mark.parametrize("alert", sorted(NAMES))
def test_an_alert_says_what_it_means_and_what_to_do_and_leads_to_its_section(alert: str) -> None:
    told = RULES[alert]["annotations"]

    assert told["summary"].endswith(".")
    assert told["action"].endswith(".")
    assert told["runbook"] == f"docs/runbook.md#{alert.lower()}"
    assert f"\n## {alert}\n" in RUNBOOK
    assert RULES[alert]["labels"]["severity"] in ("critical", "warning")


def test_alerts_and_dashboard_ask_for_nothing_that_metrics_do_not_tell() -> None:
    exposed = exposed_names()
    asked = [*EXPRESSIONS, *(rule["expr"] for rule in RULES.values())]

    assert [expression for expression in asked if not asked_for(expression)] == ['up{job="nexusmeme"} == 0']
    assert [name for expression in asked for name in asked_for(expression) if name not in exposed] == []


def test_every_expression_of_the_dashboard_is_one(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    file = tmp_path / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    done = promtool("check", "rules", file)

    assert done.returncode == 0, done.stdout + done.stderr
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
