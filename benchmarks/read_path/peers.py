"""The servers that are compared, each started from its package on a port of its own."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.read_path.packages import REPOSITORY, fastapi_python, fastify_folder, program

PATH = "/api/market-data/prices"
APPS = "benchmarks.read_path.apps"
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location = {path} {{ alias {body}; }} }}
}}
"""


@dataclass(frozen=True)
class Stage:
    """What every peer serves: pairs, the records as one JSON body in a file, and the store."""

    folder: Path
    pairs: tuple[str, ...]
    redis_url: str

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
    """A server: `command` returns its command line and environment for a port."""

    name: str
    title: str
    command: Callable[[Stage, int], tuple[list[str], Mapping[str, str]]]


def _granian(module: str, **environment: str) -> Callable[[Stage, int], tuple[list[str], Mapping[str, str]]]:
    """Return the command of `deploy/web-server` with one worker, for any application."""

    def command(stage: Stage, port: int) -> tuple[list[str], Mapping[str, str]]:
        options = ["--interface", "wsgi", "--no-ws", "--workers", "1", "--blocking-threads", "2"]
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
    script = Path(__file__).parent / "apps" / "fastify_site.mjs"
    modules = fastify_folder() / "index.js"
    return [program("node", "nodejs"), str(script), str(port)], stage.environment(BENCH_NODE_MODULES=str(modules))


PEERS = (
    Peer("nginx", "nginx, a static file of the same bytes", _nginx),
    Peer("bare", "granian, a bare function that returns the same bytes", _granian(f"{APPS}.bare")),
    Peer("layer", "NexusMeme as the README starts it: the layer before Django", _granian("nexusmeme.wsgi")),
    Peer("fastify", "fastify + ioredis, one MGET, joined", _fastify),
    Peer("constant", "Django, a constant view, no middleware", _granian(f"{APPS}.django_site", BENCH_APP="constant")),
    Peer("view", "NexusMeme's DRF view, no layer, no middleware", _granian(f"{APPS}.django_site", BENCH_APP="view")),
    Peer("fastapi", "FastAPI + redis.asyncio, one MGET, joined by orjson", _fastapi),
    Peer("tutorial", "DRF as the tutorial has it", _granian(f"{APPS}.django_site", BENCH_APP="tutorial")),
)
