"""What a process counts of its responses, and what becomes of it in prometheus_client's counters."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from market_data.api import counters as counting
from market_data.api.counters import AGE_BOUNDS_MS, SECONDS_BOUNDS, Counters
from market_data.metrics.served import ENDPOINTS, STATUSES, ServedMetrics
from market_data.ticker_cache.failures import FAILURES
from tests.metrics_text import samples_of

THREADS, EACH = 8, 5_000


class Process:
    """The counters of one process and its metrics."""

    def __init__(self):
        self.counters = Counters()
        self.failures = dict.fromkeys(FAILURES, 0)
        self.metrics = ServedMetrics(self.counters, self.failures)

    def collect(self):
        return self.metrics.families()

    def samples(self):
        return samples_of(generate_latest(self).decode())


@pytest.fixture
def process():
    return Process()


def answers(endpoint, status):
    return "nexusmeme_served_answers_total", (("endpoint", endpoint), ("status", status))


def test_no_response_is_lost_between_threads_that_count_while_their_counts_are_taken_over(process):
    together = threading.Barrier(THREADS + 1)

    def serve(number):
        together.wait()
        for _ in range(EACH):
            process.counters.count(ENDPOINTS[number % 2], 200, 0.001, age_ms=100)

    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            done = [pool.submit(serve, number) for number in range(THREADS)]
            together.wait()
            seen = [process.samples()["nexusmeme_served_age_seconds_count", ()] for _ in range(20)]
            for each in done:
                each.result()
    finally:
        sys.setswitchinterval(often)

    told = process.samples()
    assert seen == sorted(seen)
    for endpoint in ("prices", "history"):
        assert told[answers(endpoint, "200")] == THREADS // 2 * EACH
    assert told["nexusmeme_served_age_seconds_count", ()] == THREADS * EACH
    assert told["nexusmeme_served_age_seconds_sum", ()] == pytest.approx(THREADS * EACH * 0.1)


@given(
    st.lists(st.tuples(st.sampled_from(ENDPOINTS), st.integers(0, 999), st.floats(0, 100)), max_size=200),
    st.lists(st.sampled_from(FAILURES), max_size=50),
)
def test_labels_come_from_fixed_sets_and_every_event_is_told_once_however_often_it_is_asked(responses, failures):
    process = Process()
    for endpoint, status, seconds in responses:
        process.counters.count(endpoint, status, seconds)
    for name in failures:
        process.failures[name] += 1

    process.samples()
    told = process.samples()

    allowed = {"endpoint": ENDPOINTS, "status": STATUSES, "reason": FAILURES}
    labels = [label for _, labels in told for label in labels if label[0] != "le"]
    assert all(value in allowed[name] for name, value in labels)
    assert sum(value for (name, _), value in told.items() if name == "nexusmeme_served_answers_total") == len(responses)
    assert sum(value for (name, _), value in told.items() if name == "nexusmeme_cache_errors_total") == len(failures)


def test_every_label_is_there_from_the_start_with_zero_and_no_other_figure(process):
    told = process.samples()

    assert {value for (name, _), value in told.items() if name.endswith("_total")} == {0}
    assert len([labels for name, labels in told if name == "nexusmeme_served_answers_total"]) == len(ENDPOINTS) * len(
        STATUSES
    )
    process.counters.count("prices", 200, 0.001, age_ms=1)
    assert {name for name, _ in process.samples()} == {
        "nexusmeme_served_answers_total", "nexusmeme_cache_errors_total",
        "nexusmeme_served_duration_seconds_bucket", "nexusmeme_served_duration_seconds_count",
        "nexusmeme_served_duration_seconds_sum", "nexusmeme_served_age_seconds_bucket",
        "nexusmeme_served_age_seconds_count", "nexusmeme_served_age_seconds_sum",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0, 0.000025), (0.001, 0.001), (0.0011, 0.0025), (2.5, 2.5), (60, float("inf"))]
)
def test_a_response_is_in_the_bucket_of_the_first_bound_that_it_does_not_exceed(process, seconds, bound):
    process.counters.count("prices", 200, seconds)
    buckets = {
        float(dict(labels)["le"]): value
        for (name, labels), value in process.samples().items()
        if name == "nexusmeme_served_duration_seconds_bucket"
    }

    assert len(buckets) == len(SECONDS_BOUNDS) + 1
    assert all(value == (upper >= bound) for upper, value in buckets.items())


def test_the_bounds_of_ages_are_told_in_seconds(process):
    process.counters.count("prices", 200, 0.001, age_ms=2_500)
    told = process.samples()

    bounds = {dict(labels)["le"] for name, labels in told if name == "nexusmeme_served_age_seconds_bucket"}
    assert bounds == {*(str(bound / 1000) for bound in AGE_BOUNDS_MS), "+Inf"}
    assert told["nexusmeme_served_age_seconds_bucket", (("le", "2.0"),)] == 0
    assert told["nexusmeme_served_age_seconds_bucket", (("le", "4.0"),)] == 1
    assert told["nexusmeme_served_age_seconds_sum", ()] == 2.5


def test_a_forked_process_begins_with_nothing():
    counters = counting.open_counters()
    counters.count("prices", 200, 1, age_ms=1)
    if not (child := os.fork()):
        os._exit(len(counters.seconds) + int(sum(counters.ages_ms)))

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_handing_over_is_asked_for_by_responses_alone_so_that_a_process_that_serves_nothing_writes_nothing():
    counters, asked = Counters(), []
    counters.on_new_row = lambda: asked.append(1)
    assert asked == []
    for _ in range(3):
        counters.count("prices", 200, 1)
    assert asked == [1]


def test_the_counting_module_needs_nothing_of_django_or_prometheus():
    assert not {"django", "prometheus_client", "redis"} & set(vars(counting))
