"""Where a drill refuses to be played: anything that is not a demo stack."""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from development.embedded_cache import EmbeddedCache
from development.loopback import free_port
from development.stack_file import stack_file
from exchange_simulator.drills.stage import StageError, set_stage
from exchange_simulator.server import RunningSimulator
from tests.web_site import PAIRS, PriceKeys, WebSite


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture(scope="module")
def site(redis_server: EmbeddedCache) -> Iterator[WebSite]:
    running = WebSite(redis_server.url).start()
    yield running
    running.stop()


@pytest.fixture
def keys(redis_client: redis.Redis) -> PriceKeys:
    """An empty cache that says that its prices are simulated."""
    keys = PriceKeys(redis_client)
    keys.set_source("simulator")
    return keys


def refusal(folder: Path, web: str | None, exchange: str | None) -> str:
    with pytest.raises(StageError) as refused:
        set_stage(folder, web, exchange)
    return str(refused.value)


def test_an_exchange_that_is_no_simulator_is_never_drilled(tmp_path: Path, site: WebSite, keys: PriceKeys) -> None:
    assert f"no exchange simulator at {site.url}" in refusal(tmp_path, site.url, site.url)


def test_an_exchange_that_does_not_answer_is_named(tmp_path: Path, site: WebSite, keys: PriceKeys) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"

    assert f"{nobody}/_control/ gives no answer" in refusal(tmp_path, site.url, nobody)


def test_a_web_server_with_real_prices_is_never_drilled(
    tmp_path: Path, site: WebSite, keys: PriceKeys, exchange: RunningSimulator
) -> None:
    keys.set_source("binance")

    assert "X-Market-Data-Source: binance" in refusal(tmp_path, site.url, exchange.base_url)


def test_a_web_server_that_another_simulator_feeds_is_left_alone(
    tmp_path: Path, site: WebSite, keys: PriceKeys, exchange: RunningSimulator
) -> None:
    keys.report(PAIRS)

    assert "is fed by" in refusal(tmp_path, site.url, exchange.base_url)


@pytest.fixture
def start_stacks(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Lets stacks seem to run, by their web server's port and the address of their exchange simulator."""
    with ExitStack() as running:

        def start(exchange_of: dict[int, str | None]) -> None:
            for port, exchange in exchange_of.items():
                content = {"web": f"http://127.0.0.1:{port}", "exchange_simulator": exchange, "pids": {}}
                file = running.enter_context(stack_file(tmp_path, port))
                json.dump(content, file)
                file.flush()

        yield start


def test_without_a_stack_and_addresses_there_is_nothing_to_drill(tmp_path: Path) -> None:
    assert "start one with make demo" in refusal(tmp_path, None, None)


def test_a_file_that_a_killed_stack_left_behind_counts_for_nothing(tmp_path: Path) -> None:
    content = {"web": "http://127.0.0.1:8000", "exchange_simulator": "http://127.0.0.1:8001", "pids": {}}
    (tmp_path / "stack-8000.json").write_text(json.dumps(content))

    assert "No demo stack runs here" in refusal(tmp_path, None, None)


@pytest.mark.parametrize("text", ["", "nonsense", "{}", "[]", "null"])
def test_a_file_that_makes_no_sense_counts_for_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stack-8000.json"
    path.write_text(text)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "No demo stack runs here" in refusal(tmp_path, None, None)


def test_a_stack_with_the_live_exchange_is_never_drilled(tmp_path: Path, start_stacks) -> None:
    start_stacks({8000: None})

    assert "is no simulator" in refusal(tmp_path, None, None)


def test_of_several_stacks_one_has_to_be_chosen(tmp_path: Path, start_stacks) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    start_stacks({8000: nobody, 8001: nobody})

    assert "choose with --web, one of http://127.0.0.1:8000, http://127.0.0.1:8001" in refusal(tmp_path, None, None)
    assert f"no exchange simulator at {nobody}" in refusal(tmp_path, "http://127.0.0.1:8001/", None)
