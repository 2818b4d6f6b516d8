"""An operator's nginx: `deploy/nginx/nexusmeme.conf` as it is, but for ports, paths and a certificate of its own."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from development.loopback import LOOPBACK, answers_http, free_port
from tests.process_facts import wait_until

SITE = Path(__file__).resolve().parents[1] / "deploy" / "nginx" / "nexusmeme.conf"
HOST_NAME = "prices.example.org"
FRAME = """
{user}
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 2048; }}
http {{
    include /etc/nginx/mime.types;
    client_body_temp_path {folder}/temp;
    proxy_temp_path {folder}/temp;
    fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp;
    scgi_temp_path {folder}/temp;
    include {folder}/nexusmeme.conf;
}}
"""


def nginx_program() -> str:
    """Return nginx's path; skip the test where there is none, which is a failure on CI."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if program is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    return program


class NginxSite:
    """nginx in a folder of its own, in front of web servers on these two ports.

    `change` may alter the text of the site further.
    """

    def __init__(self, folder: Path, web_ports: tuple[int, int], change: Callable[[str], str] = str) -> None:
        self.folder = folder
        self.http_port, self.https_port = free_port(), free_port()
        self.project = folder / "opt"
        (folder / "temp").mkdir(parents=True)
        self._program = nginx_program()
        self._process: subprocess.Popen[bytes] | None = None
        _make_certificate(folder)
        (folder / "nexusmeme.conf").write_text(change(self._adapted(SITE.read_text(), web_ports)))
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(FRAME.format(folder=folder, user=user))

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self.https_port}"

    @property
    def error_log(self) -> str:
        return (self.folder / "error.log").read_text()

    @property
    def access_log(self) -> str:
        return (self.folder / "nexusmeme.log").read_text()

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def test(self) -> "subprocess.CompletedProcess[str]":
        """Let nginx check its configuration."""
        return subprocess.run([*self._command, "-t"], capture_output=True, text=True, check=False)

    def start(self) -> "NginxSite":
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=(self.folder / "stderr").open("wb")
        )
        wait_until(lambda: answers_http(self.http_port, "/", 1), "nginx's first answer")
        return self

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(20)

    @property
    def _command(self) -> list[str]:
        return [self._program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def _adapted(self, text: str, web_ports: tuple[int, int]) -> str:
        changes = {
            r"\n    listen \[::\][^\n]*": "",
            r"listen 80;": f"listen {LOOPBACK}:{self.http_port};",
            r"listen 443": f"listen {LOOPBACK}:{self.https_port}",
            r"127\.0\.0\.1:8001": f"127.0.0.1:{web_ports[0]}",
            r"127\.0\.0\.1:8002": f"127.0.0.1:{web_ports[1]}",
            r"/etc/ssl/nexusmeme": str(self.folder),
            r"/opt/nexusmeme": str(self.project),
            r"/run/nexusmeme-cache": str(self.cache),
            r"/var/log/nginx": str(self.folder),
        }
        for there, here in changes.items():
            text, number = re.subn(there, here, text)
            assert number, f"{there} is not in {SITE.name} any more"
        return text


def _make_certificate(folder: Path) -> None:
    names = ["-subj", f"/CN={HOST_NAME}", "-addext", f"subjectAltName=DNS:{HOST_NAME},IP:{LOOPBACK}"]
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(["openssl", "req", "-x509", *kind, *names, *files], check=True, capture_output=True)
