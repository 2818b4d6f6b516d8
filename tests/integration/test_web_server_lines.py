"""The web server's own lines have the form of all others, whoever reads the journal."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from development.loopback import LOOPBACK, answers_http, free_port
from tests.process_facts import wait_until
from tests.web_site import REPOSITORY, START_DEADLINE_SECONDS

BROKEN_APPLICATION = """
import os
import nexusmeme.wsgi

def application(environ, start_response):
    raise RuntimeError("no connection with " + os.environ["SECRET_KEY"])
"""


def key_values_of(line: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(line))


@pytest.mark.parametrize(("name", "read"), [("json", json.loads), ("keyvalue", key_values_of)])
def test_every_line_of_a_web_server_that_starts_and_ends_is_read_back(
    name: str, read: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    settings = tmp_path / "settings"
    settings.write_text(f"LOG_FORMAT={name}\nDEBUG=true\n")
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            ["deploy/web-server", "--host", LOOPBACK, "--port", str(port)],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], "PYTHON": sys.executable, "WEB_WORKERS": "1", "ENV_FILE": str(settings)},
            stdout=log,
            stderr=log,
        )
        try:
            wait_until(lambda: answers_http(port, "/", 1), "the first answer", START_DEADLINE_SECONDS)
        finally:
            server.terminate()
            server.wait(START_DEADLINE_SECONDS)

    lines = [read(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert "Started worker-1" in [line["message"] for line in lines]
    assert {line["level"] for line in lines} == {"INFO"}
    assert all(line["time"].endswith("Z") for line in lines)


def test_an_error_that_reaches_the_web_server_is_one_line_without_the_secrets(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN_APPLICATION)
    secret, port = "a-secret-of-this-test", free_port()
    given = {"ENV_FILE": os.devnull, "SECRET_KEY": secret, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}"}
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--blocking-threads", "1"]
    options = ["--log-config", "deploy/web-server-log.json", "--host", LOOPBACK, "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, *options, "broken:application"],
            cwd=REPOSITORY, env={"PATH": os.environ["PATH"], **given}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            wait_until(lambda: answers_http(port, "/", 1), "the first answer", START_DEADLINE_SECONDS)
        finally:
            server.terminate()
            server.wait(START_DEADLINE_SECONDS)

    text = (tmp_path / "log").read_text()
    errors = [line for line in map(key_values_of, text.splitlines()) if line["level"] == "ERROR"]
    assert errors
    assert all("no connection with ****" in line["message"] for line in errors)
    assert secret not in text
