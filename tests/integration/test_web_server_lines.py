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
