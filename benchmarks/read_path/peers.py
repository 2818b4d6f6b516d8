"""The servers that are compared, each started from its package on a port of its own."""

import json
import os
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.read_path.packages import CHAINLINK, FASTIFY, REPOSITORY, fastapi_python, node_folder, program
from benchmarks.read_path.records import INTERVAL_SECONDS, LIFE_MS

PATH = "/api/market-data/prices"
APPS = "benchmarks.read_path.apps"
APPS_FOLDER = Path(__file__).parent / "apps"
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; open_file_cache max=16; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location = {path} {{ alias {body}; }} }}
}}
"""


def title_of(pairs: int) -> str:
    return "1 pair" if pairs == 1 else f"{pairs} pairs"


@dataclass(frozen=True)
class Stage:
    """What every peer serves: pairs, the records as one JSON body in a file, in the store, and at an address."""

    folder: Path
    pairs: tuple[str, ...]
    redis_url: str
    source_url: str

    @property
    def title(self) -> str:
        return title_of(len(self.pairs))

    @property
    def body(self) -> Path:
        return self.folder / f"prices-{len(self.pairs)}.json"

    @property
    def target(self) -> str:
        return f"{PATH}?pairs={','.join(self.pairs)}"

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "for-a-benchmark-only",
            "REDIS_URL": self.redis_url,
            "TRADING_PAIRS": ",".join(self.pairs),
            "BENCH_BODY": str(self.body),
            **more,
        }


@dataclass(frozen=True)
class Peer:
    """A server: `command` returns its command line and environment for a port.

    `posted` returns what is posted to `/` where the prices are no answer to a GET; it has no more than one pair.
    """

    name: str
    title: str
    command: Callable[[Stage, int], tuple[list[str], Mapping[str, str]]]
    posted: Callable[[Stage], str] | None = None

    def question(self, stage: Stage) -> tuple[str, str | None]:
        """Return what is asked for, and the body of the request if it has one."""
        return ("/", self.posted(stage)) if self.posted else (stage.target, None)


def _granian(
    module: str, threads: int = 1, **environment: str
) -> Callable[[Stage, int], tuple[list[str], Mapping[str, str]]]:
    """Return the command of `deploy/web-server` with one worker, for any application."""

    def command(stage: Stage, port: int) -> tuple[list[str], Mapping[str, str]]:
        options = ["--interface", "wsgi", "--no-ws", "--workers", "1", "--blocking-threads", str(threads)]
        options += ["--backlog", "4096", "--backpressure", "16384", "--host", "127.0.0.1", "--port", str(port)]
        line = [sys.executable, "-m", "granian", *options, "--log-level", "error", f"{module}:application"]
        return line, stage.environment(**environment)

    return command


def _nginx(stage: Stage, port: int) -> tuple[list[str], Mapping[str, str]]:
    folder = stage.folder / f"nginx-{len(stage.pairs)}"
    folder.mkdir(exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, path=PATH, body=stage.body))
    stage.folder.chmod(0o755)
    return [program("nginx", "nginx-light"), "-c", str(config), "-p", str(folder)], dict(os.environ)


def _fastapi(stage: Stage, port: int) -> tuple[list[str], Mapping[str, str]]:
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "error"]
    line = [str(fastapi_python()), "-m", "uvicorn", f"{APPS}.fastapi_site:application", *options]
    return [*line, "--loop", "uvloop", "--http", "httptools"], stage.environment()


def _fastify(stage: Stage, port: int) -> tuple[list[str], Mapping[str, str]]:
    modules = node_folder("fastify", FASTIFY) / "index.js"
    line = [program("node", "nodejs"), str(APPS_FOLDER / "fastify_site.mjs"), str(port)]
    return line, stage.environment(BENCH_NODE_MODULES=str(modules))


def _chainlink(stage: Stage, port: int) -> tuple[list[str], Mapping[str, str]]:
    """Local cache, with records that live as long as ours and are fetched as often; metrics and log are off."""
    modules = node_folder("chainlink", CHAINLINK) / "index.js"
    quiet = {"LOG_LEVEL": "silent", "METRICS_ENABLED": "false", "EXPERIMENTAL_METRICS_ENABLED": "false"}
    return [program("node", "nodejs"), str(APPS_FOLDER / "chainlink_adapter.mjs")], stage.environment(
        **quiet,
        CORRELATION_ID_ENABLED="false",
        EA_HOST="127.0.0.1",
        EA_PORT=str(port),
        CACHE_MAX_AGE=str(LIFE_MS),
        CACHE_POLLING_MAX_RETRIES="20",  # the first answer waits for the first price
        RATE_LIMIT_CAPACITY_MINUTE=str(round(60 / INTERVAL_SECONDS)),
        BENCH_SOURCE=stage.source_url,
        BENCH_NODE_MODULES=str(modules),
    )


def _chainlink_question(stage: Stage) -> str:
    base, _, quote = stage.pairs[0].partition("/")
    return json.dumps({"data": {"base": base, "quote": quote}})


LAYER = Peer("layer", "NexusMeme as the README starts it: the layer before Django", _granian("nexusmeme.wsgi"))
PEERS = (
    Peer("nginx", "nginx, a static file of the same bytes", _nginx),
    Peer("bare", "granian, a bare function that returns the same bytes", _granian(f"{APPS}.bare")),
    LAYER,
    Peer("two-threads", "the same with two blocking threads", _granian("nexusmeme.wsgi", threads=2)),
    Peer("fastify", "fastify + ioredis, one MGET, joined", _fastify),
    Peer("constant", "Django, a constant view, no middleware", _granian(f"{APPS}.django_site", BENCH_APP="constant")),
    Peer("view", "NexusMeme's DRF view, no layer, no middleware", _granian(f"{APPS}.django_site", BENCH_APP="view")),
    Peer("fastapi", "FastAPI + redis.asyncio, one MGET, joined by orjson", _fastapi),
    Peer("tutorial", "DRF as the tutorial has it", _granian(f"{APPS}.django_site", BENCH_APP="tutorial")),
    Peer(
        "chainlink",
        "Chainlink's external-adapter framework, local cache, one pair a request",
        _chainlink,
        _chainlink_question,
    ),
)
ONE_PAIR = ("bare", "layer", "chainlink")
"""Who is measured with one pair: the peer that answers no more a request, and who it is compared with."""
HALF_LOADED = ("layer", "nginx")
"""Who is asked for half of the layer's rate: nginx shows what of the waits is the machine's and the generator's."""


def peers_with(pairs: int, names: Collection[str]) -> tuple[Peer, ...]:
    """Return the peers of these names that are measured with so many pairs."""
    return tuple(
        peer for peer in PEERS if peer.name in names and (peer.name in ONE_PAIR if pairs == 1 else not peer.posted)
    )
