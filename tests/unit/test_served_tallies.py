"""What a process counts of its answers: exact under threads, bounded whatever readers do."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from market_data.metrics import tallies
from market_data.metrics.served_families import served_families
from market_data.metrics.tallies import (
    AGE_BOUNDS_MS,
    CACHE_ERRORS,
    ENDPOINTS,
    SECONDS_BOUNDS,
    STATUSES,
    ServedTallies,
    decode,
    encode,
    summed,
)
from tests.metrics_text import samples_of

THREADS, EACH = 8, 5_000


class Collected:
    def __init__(self, tally):
        self._tally = tally

    def collect(self):
        return list(served_families(self._tally))


def samples(tally):
    return samples_of(generate_latest(Collected(tally)).decode())


def test_no_answer_is_lost_between_threads_that_count_at_once():
    served = ServedTallies()
    together = threading.Barrier(THREADS + 1)

    def serve(number):
        together.wait()
        for _ in range(EACH):
            served.note_answer(ENDPOINTS[number % 2], 200, 0.001, age_ms=100)

    with ThreadPoolExecutor(THREADS) as pool:
        done = [pool.submit(serve, number) for number in range(THREADS)]
        together.wait()
        seen = [sum(served.totals().get("age", [0.0])[:-1]) for _ in range(50)]
        for each in done:
            each.result()

    told = samples(served.totals())
    assert seen == sorted(seen)
    for endpoint in ("prices", "history"):
        assert (
            told["nexusmeme_served_answers_total", (("endpoint", endpoint), ("status", "200"))] == THREADS // 2 * EACH
        )
    assert told["nexusmeme_served_age_seconds_count", ()] == THREADS * EACH
    assert told["nexusmeme_served_age_seconds_sum", ()] == pytest.approx(THREADS * EACH * 0.1)


def test_threads_that_come_and_go_leave_their_counts_and_no_more_rows_than_there_were_numbers():
    numbers = iter([7, 8] * 500)
    served = ServedTallies(get_ident=lambda: next(numbers))
    for _ in range(1000):
        served.note_answer("prices", 200, 0.001)

    assert len(served._names) == 2
    assert sum(served.totals()["prices 200"][:-1]) == 1000


@given(
    st.lists(
        st.tuples(st.sampled_from([*ENDPOINTS, "evil", ""]), st.integers(0, 999), st.floats(0, 100)), max_size=200
    ),
    st.lists(st.one_of(st.sampled_from(CACHE_ERRORS), st.text(max_size=5)), max_size=50),
)
def test_labels_come_from_fixed_sets_whatever_is_noted(answers, errors):
    served = ServedTallies()
    for endpoint, status, seconds in answers:
        served.note_answer(endpoint, status, seconds)
    for kind in errors:
        served.note_cache_error(kind)

    told = samples(served.totals())

    allowed = {"endpoint": ENDPOINTS, "status": STATUSES, "reason": CACHE_ERRORS}
    labels = [label for _, labels in told for label in labels if label[0] != "le"]
    assert all(value in allowed[name] for name, value in labels)
    assert sum(value for (name, _), value in told.items() if name == "nexusmeme_served_answers_total") == len(answers)
    assert sum(value for (name, _), value in told.items() if name == "nexusmeme_cache_errors_total") == len(errors)
    assert len(served._rows) <= len(ENDPOINTS) * len(STATUSES)


def test_every_label_is_there_from_the_start_with_zero():
    told = samples({})

    assert {value for (name, _), value in told.items() if name.endswith("_total")} == {0}
    counted = [labels for name, labels in told if name == "nexusmeme_served_answers_total"]
    assert len(counted) == len(ENDPOINTS) * len(STATUSES)


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0, 0.000025), (0.001, 0.001), (0.0011, 0.0025), (2.5, 2.5), (60, float("inf"))]
)
def test_an_answer_is_in_the_bucket_of_the_first_bound_that_it_does_not_exceed(seconds, bound):
    served = ServedTallies()
    served.note_answer("prices", 200, seconds)
    told = samples(served.totals())
    buckets = {
        float(dict(labels)["le"]): value
        for (name, labels), value in told.items()
        if name == "nexusmeme_served_duration_seconds_bucket"
    }

    assert len(buckets) == len(SECONDS_BOUNDS) + 1
    assert all(value == (upper >= bound) for upper, value in buckets.items())


def test_sums_over_workers_are_the_sums_of_their_rows():
    first, second = ServedTallies(), ServedTallies()
    first.note_answer("prices", 200, 0.5, age_ms=1)
    second.note_answer("prices", 200, 0.25, age_ms=2)
    second.note_cache_error("timeout")

    total = summed([decode(encode(worker.totals())) for worker in (first, second)])

    assert sum(total["prices 200"][:-1]) == 2
    assert total["prices 200"][-1] == 0.75
    assert total["age"][-1] == 3
    assert total["cache timeout"] == [1]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b"{",
        b"[" * 100_000,
        b'{"evil 200":[1]}',
        b'{"prices 200":[1]}',
        b'{"age":[]}',
        b'{"cache timeout":["1"]}',
        b'{"cache timeout":[-1]}',
        b'{"cache timeout":[NaN]}',
        b'{"cache timeout":[true]}',
    ],
)
def test_a_file_that_no_worker_of_this_version_has_written_counts_for_nothing(raw):
    assert decode(raw) == {}


def test_a_forked_process_begins_with_nothing():
    served = ServedTallies()
    served.note_answer("prices", 200, 1, age_ms=1)
    served.forget()

    assert served.totals() == {}
    served.note_answer("prices", 200, 1, age_ms=1)
    assert sum(served.totals()["age"][:-1]) == 1


def test_publishing_is_asked_for_by_answers_alone_so_that_a_process_that_serves_nothing_writes_nothing():
    served = ServedTallies()
    asked = []
    served.on_new_row = lambda: asked.append(1)
    served.note_cache_error("timeout")
    assert asked == []
    for _ in range(3):
        served.note_answer("prices", 200, 1)
    assert asked == [1]


def test_the_counting_module_needs_nothing_of_django_or_prometheus():
    assert not {"django", "prometheus_client", "redis"} & set(vars(tallies))
    assert len(set(AGE_BOUNDS_MS)) == len(AGE_BOUNDS_MS)
    assert list(text_string_to_metric_families(generate_latest(Collected({})).decode()))
