"""nginx on a free loopback port, one process, its files in a folder of its own, serving canned answers from another.

It counts requests by itself (`stub_status`), so that no client's own figure has to be believed.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

__all__ = ["WebServer", "nginx_path", "on_core", "web_server"]

_READY_WITHIN_S = 5.0
_CONFIG = """
daemon off;
master_process off;
worker_rlimit_nofile 15000;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 14000; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600;
    open_file_cache max=10000;
    open_file_cache_valid 1h;
    client_body_buffer_size 64k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $arg_identifier $mrn {{ "~(?:%7C|%7c|\\\\|)(?<number>[^|%]+)$" $number; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {answers};
        default_type application/fhir+json;
        types {{ }}
        location = /status {{ stub_status; }}
        location = /fhir/metadata {{ rewrite ^ /metadata.json break; }}
        location = /fhir/Patient {{ rewrite ^ /Patient-$mrn.json break; }}
        location = /fhir/Observation {{ rewrite ^ /Observation-$arg_category-$arg_patient.json break; }}
        location ~ ^/fhir/(?<kind>[A-Za-z]+)$ {{ rewrite ^ /$kind-$arg_patient.json break; }}
        location = /fhir {{ return 200 '{stored}'; }}
    }}
}}
"""


@dataclass(frozen=True)
class WebServer:
    """A running nginx. Asking it for its counts is a request, too, and is taken off."""

    url: str
    _asked: list[None]

    def requests(self) -> int:
        """Requests answered since the start, those for the counts left out."""
        self._asked.append(None)
        return int(self._status().split()[-7]) - len(self._asked)

    def connections(self) -> int:
        """Connections open now, without the one that asks."""
        self._asked.append(None)
        found = re.search(r"Active connections: (\d+)", self._status())
        if found is None:
            raise RuntimeError("nginx tells no connections")
        return int(found.group(1)) - 1

    def _status(self) -> str:
        with urlopen(f"{self.url}/status") as answer:
            return str(answer.read().decode())


def nginx_path() -> str | None:
    """Where nginx is; None where it is not installed."""
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


@contextmanager
def web_server(nginx: str, folder: Path, answers: Path) -> Iterator[WebServer]:
    """nginx with its own files in `folder`, serving `answers` (benchmarks.peers.workload); it ends with the block.

    Raises RuntimeError where it does not come up.
    """
    folder.mkdir(parents=True)
    for one in (folder, answers):
        one.chmod(0o755)  # its worker may be another user
    port = _free_port()
    stored = (answers / "transaction.json").read_text()
    (folder / "nginx.conf").write_text(_CONFIG.format(folder=folder, answers=answers, port=port, stored=stored))
    process = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log", "-p", folder])
    try:
        on_core(process.pid, 0)
        _wait_for(port, process)
        yield WebServer(f"http://127.0.0.1:{port}", [])
    finally:
        process.terminate()
        process.wait(_READY_WITHIN_S)


def on_core(pid: int, nth: int) -> None:
    """Keep a process on the nth core that we may use, where there is one: server and client shall not share one."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if nth < len(cores):
        os.sched_setaffinity(pid, {cores[nth]})


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    given_up = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < given_up and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nginx does not answer on port {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
