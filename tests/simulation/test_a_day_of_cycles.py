"""A day of refresh cycles in simulated time, with faults at random: what is served is true, and nothing grows.

`SIMULATION_SEEDS=7,8,9` runs other seeds than the usual ones, a day each or as long as `SIMULATION_HOURS` says.
"""

import gc
import logging
import os
import threading
from collections.abc import Iterator

import psutil
import pytest

from tests.simulation.exchange import EXCHANGE_FAULTS
from tests.simulation.world import TROUBLES, World

# One whole day, and the first hours of others.
USUAL_RUNS = ((1, 24), (2, 2), (3, 2), (4, 2))
HOURS = int(os.environ.get("SIMULATION_HOURS", "24"))
RUNS = [(int(seed), HOURS) for seed in os.environ.get("SIMULATION_SEEDS", "").split(",") if seed] or USUAL_RUNS
MOST_GROWTH_BYTES = 24 * 1024 * 1024


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep a day's log lines from being collected, which would be taken for growth."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def footprint() -> tuple[int, int, int, int]:
    """Return objects, bytes, open files and threads of this process."""
    gc.collect()
    process = psutil.Process()
    return len(gc.get_objects()), process.memory_info().rss, process.num_fds(), threading.active_count()


@pytest.mark.parametrize(("seed", "hours"), RUNS)
def test_whatever_happens_prices_are_true_waits_are_kept_and_nothing_grows(seed: int, hours: int) -> None:
    print(f"seed {seed}, {hours} h")  # noqa: T201 - shown where the test fails
    world = World(seed)
    try:
        world.run(3_600)
        objects, rss_bytes, open_files, threads = footprint()
        world.run((hours - 1) * 3_600)
        objects_after, rss_bytes_after, open_files_after, threads_after = footprint()
    finally:
        world.close()

    assert objects_after < objects * 1.05
    assert rss_bytes_after - rss_bytes < MOST_GROWTH_BYTES
    assert open_files_after <= open_files
    assert threads_after <= threads + 2  # a list of symbols may be under way
    assert world.exchange.requests["tickers"] > 500 * hours
    assert world.seen["whole"] > 0.5 * world.seen["samples"]
    assert world.seen["calm"] > 0.05 * world.seen["samples"]
    if hours >= 24:
        assert {*EXCHANGE_FAULTS, *TROUBLES} <= world.seen.keys()
