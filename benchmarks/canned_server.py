"""nginx that answers any FHIR request at once with something plausible: it costs nothing and knows nobody.

A patient's id, record number and family name are the same word, so that any search for her can name her. Bundles are
not declared, since what their answer has to hold depends on what they hold.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

__all__ = ["canned_server"]

CONTENT = (
    '"meta":{"versionId":"1"},"status":"active","subject":{"reference":"Patient/$who"},"code":{"text":"canned"},'
    '"medicationCodeableConcept":{"text":"canned"},"period":{"start":"2026-11-10T08:00:00Z"},'
    '"name":[{"family":"$who","given":["Canned"]}],"birthDate":"1960-01-31",'
    '"identifier":[{"system":"urn:canned","value":"$who"}],"content":[{"attachment":{"contentType":"text/plain","url":"Binary/b1"}}]'
)
ENTRY = '{"resource":{"resourceType":"$kind","id":"$who",' + CONTENT + '},"search":{"mode":"match"}}'
CONFIG = """
daemon off;
master_process off;
worker_rlimit_nofile 40000;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600;
    client_max_body_size 20m;
    client_body_buffer_size 8m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map "$arg_patient:$arg_identifier:$arg_name" $who {{
        "~^(?<by_patient>[^:]+):" $by_patient;
        "~^:.*(?:\\||%7C)(?<by_number>[^:]+):" $by_number;
        "~^:.*:(?<by_name>[^:]+)$" $by_name;
        default "p1";
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        default_type application/fhir+json;
        location = /fhir/metadata {{ alias {folder}/metadata.json; }}
        location ~ ^/fhir/(?<kind>[A-Za-z]+)/(?<named>[^/]+)$ {{
            return 200 '{{"resourceType":"$kind","id":"$named",{of_named}}}';
        }}
        location ~ ^/fhir/(?<kind>[A-Za-z]+)$ {{
            if ($request_method = POST) {{ return 201 '{{"resourceType":"$kind","id":"new",{content}}}'; }}
            return 200 '{{"resourceType":"Bundle","type":"searchset","total":1,"entry":[{entry}]}}';
        }}
    }}
}}
"""


@contextmanager
def canned_server(folder: Path) -> Iterator[str]:
    """The base URL of a running one; its files are in `folder`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = folder / "canned"
    home.mkdir()
    (home / "metadata.json").write_text(json.dumps(_statement()))
    (home / "nginx.conf").write_text(
        CONFIG.format(folder=home, port=port, content=CONTENT, of_named=CONTENT.replace("$who", "$named"), entry=ENTRY)
    )
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    process = subprocess.Popen([nginx, "-c", str(home / "nginx.conf"), "-p", str(home)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/fhir/metadata")
        yield f"http://127.0.0.1:{port}/fhir"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            with urlopen(url, timeout=1):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _statement() -> dict[str, object]:
    """Everything that any workflow asks for, but bundles."""
    from harness.clinic import WORKFLOWS

    interactions: dict[str, set[str]] = {}
    parameters: dict[str, set[str]] = {}
    for need in (need for workflow in WORKFLOWS.values() for need in workflow.needs):
        kind, search, rest = need.partition("?")
        if search:
            interactions.setdefault(kind, set()).add("search-type")
            parameters.setdefault(kind, set()).update(rest.split("&"))
        elif "." in kind:
            kind, _, interaction = kind.partition(".")
            interactions.setdefault(kind, set()).add(interaction)
    for kind in ("Patient", "Practitioner", "Organization"):
        interactions.setdefault(kind, set()).update({"read", "search-type"})
    resources = [
        {
            "type": kind,
            "interaction": [{"code": one} for one in sorted(done - {"create.conditional"})],
            "conditionalCreate": "create.conditional" in done,
            "searchParam": [{"name": name, "type": "string"} for name in sorted(parameters.get(kind, ()))],
        }
        for kind, done in interactions.items()
    ]
    rest = [{"mode": "server", "resource": resources}]
    return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": {"name": "canned"}, "rest": rest}
