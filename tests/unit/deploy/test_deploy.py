"""What stands in deploy/ holds together with the program: its commands are taken, its numbers and names agree.

Whether each file is one of its kind is asked of validators that somebody else wrote; where one is not installed, that
is told as a skip.
"""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from harness.cli.channel_options import DEFAULT_PORT

TOP = Path(__file__).parents[3]
DEPLOY = TOP / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
KUBERNETES = "1.32"


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in MANIFESTS:
        for each in yaml.safe_load_all(path.read_text()):
            yield path.name, each


def compose() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return told


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for _, each in documents() if each["kind"] == kind}


def pod(job: str) -> dict[str, Any]:
    spec: dict[str, Any] = of_kind("Job")[job]["spec"]["template"]["spec"]
    return spec


def labels(job: str) -> dict[str, str]:
    told: dict[str, str] = of_kind("Job")[job]["spec"]["template"]["metadata"]["labels"]
    return told


def arguments(job: str) -> list[str]:
    (container,) = pod(job)["containers"]
    words: list[str] = container["args"]
    return words


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


COMMANDS = {
    **{f"compose {name}": each["command"] for name, each in compose()["services"].items()},
    **{f"kubernetes {name}": arguments(name) for name in of_kind("Job")},
}


@pytest.mark.parametrize("where", COMMANDS)
def test_every_command_is_one_that_the_program_takes(where: str) -> None:
    name, *words = COMMANDS[where]
    assert all(isinstance(word, str) for word in words), "a number must be quoted"
    command: click.Command = importlib.import_module(f"harness.cli.{name}").command
    with command.make_context(name, words):  # raises where an option or a value would be refused
        pass


def test_as_many_workers_are_started_as_the_leader_expects() -> None:
    assert option(COMMANDS["compose leader"], "--expect-workers") == str(
        compose()["services"]["worker"]["deploy"]["replicas"]
    )
    job = of_kind("Job")["emrload-worker"]["spec"]
    assert option(arguments("emrload-leader"), "--expect-workers") == str(job["completions"]) == str(job["parallelism"])


def test_workers_look_for_the_leader_where_it_is() -> None:
    assert option(COMMANDS["compose worker"], "--master") == f"leader:{DEFAULT_PORT}"
    assert option(arguments("emrload-worker"), "--master") == f"emrload-leader:{DEFAULT_PORT}"
    service = of_kind("Service")["emrload-leader"]["spec"]
    assert service["selector"].items() <= labels("emrload-leader").items()
    ports = {each["port"] for each in service["ports"]}
    assert ports == {DEFAULT_PORT, DEFAULT_PORT + 1}
    (container,) = pod("emrload-leader")["containers"]
    assert {each["containerPort"] for each in container["ports"]} == ports
    for words in (COMMANDS["compose leader"], arguments("emrload-leader")):
        assert option(words, "--bind") == f"0.0.0.0:{DEFAULT_PORT}"


def test_only_workers_reach_the_leader_and_nobody_reaches_them() -> None:
    policies = {name: each["spec"] for name, each in of_kind("NetworkPolicy").items()}
    for name, spec in policies.items():
        assert spec["podSelector"]["matchLabels"].items() <= labels(name).items()
        assert spec["policyTypes"] == ["Ingress"]
    (rule,) = policies["emrload-leader"]["ingress"]
    (source,) = rule["from"]
    assert source["podSelector"]["matchLabels"].items() <= labels("emrload-worker").items()
    assert source["podSelector"]["matchLabels"].items() - labels("emrload-leader").items()
    assert {(each["protocol"], each["port"]) for each in rule["ports"]} == {
        ("TCP", DEFAULT_PORT),
        ("TCP", DEFAULT_PORT + 1),
    }
    assert "ingress" not in policies["emrload-worker"]
    told = compose()
    assert told["networks"] == {"private": {"internal": True}}
    assert all(each["networks"] == ["private"] and "ports" not in each for each in told["services"].values())


def test_the_secret_is_nowhere_but_named() -> None:
    assert "Secret" not in {each["kind"] for _, each in documents()}
    for job in of_kind("Job"):
        (mounted,) = [each for each in pod(job)["volumes"] if "secret" in each]
        assert mounted["secret"]["secretName"] == "emrload-fleet"
        (container,) = pod(job)["containers"]
        (mount,) = [each for each in container["volumeMounts"] if each["name"] == mounted["name"]]
        assert option(arguments(job), "--secret-file") == f"{mount['mountPath']}/secret"
        assert "env" not in container
    told = compose()
    assert told["secrets"] == {"fleet": {"file": "./fleet.secret"}}
    for name in ("leader", "worker"):
        assert told["services"][name]["secrets"] == ["fleet"]
        assert option(COMMANDS[f"compose {name}"], "--secret-file") == "/run/secrets/fleet"
    assert "/deploy/fleet.secret" in (TOP / ".gitignore").read_text().splitlines()


def test_nobody_is_root_and_every_place_that_is_written_to_is_mounted() -> None:
    for job in of_kind("Job"):
        assert pod(job)["securityContext"]["runAsNonRoot"] is True
        (container,) = pod(job)["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        volumes = {each["name"] for each in pod(job)["volumes"]}
        mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        assert set(mounts) == volumes
        assert "/tmp" in mounts.values()
        assert {"/runs", "/runs/reports"} & set(mounts.values())
        claims = {
            each["persistentVolumeClaim"]["claimName"]
            for each in pod(job)["volumes"]
            if "persistentVolumeClaim" in each
        }
        assert claims <= set(of_kind("PersistentVolumeClaim"))


def test_a_worker_that_fails_does_not_take_the_others_files_with_it() -> None:
    spec = of_kind("Job")["emrload-worker"]["spec"]
    assert (spec["completionMode"], spec["backoffLimitPerIndex"]) == ("Indexed", 0)
    assert "backoffLimit" not in spec
    assert of_kind("Job")["emrload-leader"]["spec"]["backoffLimit"] == 0


def test_the_kustomization_names_every_manifest_and_each_is_in_its_namespace() -> None:
    told = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    assert sorted(told["resources"]) == [path.name for path in MANIFESTS if path.name != "kustomization.yaml"]
    for _, each in documents():
        if each["kind"] not in ("Kustomization", "Namespace"):
            assert each["metadata"]["namespace"] == told["namespace"]


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def test_the_image_is_made_from_what_the_wheel_is_made_from() -> None:
    copied = [words.split() for verb, words in instructions() if verb == "COPY" and not words.startswith("--from")]
    sources = {source for *given, _ in copied for source in given}
    assert all((TOP / source).exists() for source in sources)
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["force-include"], *wheel["packages"], "requirements.lock", "pyproject.toml", "README.md"} <= sources
    kept = {line[1:] for line in (TOP / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept == sources
    froms = [words.split()[0] for verb, words in instructions() if verb == "FROM"]
    assert all(re.search(r"python:3\.1[1-9]-slim$", one) for one in froms)
    users = [words for verb, words in instructions() if verb == "USER"]
    assert users == [f"{pod('emrload-leader')['securityContext']['runAsUser']}:10001"]


# ---- by validators that somebody else wrote

FETCH = "make test-deploy fetches it"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_each_manifest_is_what_kubernetes_takes(path: Path) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason=FETCH)
    for each in yaml.safe_load_all(path.read_text()):
        if each["kind"] != "Kustomization":  # a file of kubectl's own, built below
            validator.validate(each, KUBERNETES, strict=True)


def test_a_mistake_in_a_manifest_is_found() -> None:
    validator = pytest.importorskip("kubernetes_validate", reason=FETCH)
    job = of_kind("Job")["emrload-worker"]
    job["spec"]["parallelismm"] = 4
    with pytest.raises(validator.ValidationError):
        validator.validate(job, KUBERNETES, strict=True)


def test_kubectl_builds_the_kustomization() -> None:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not there")
    command = ["kubectl", "kustomize", str(DEPLOY / "kubernetes")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = [each["kind"] for each in yaml.safe_load_all(done.stdout)]
    assert sorted(built) == sorted(each["kind"] for _, each in documents() if each["kind"] != "Kustomization")


def test_the_compose_file_is_one_and_uses_only_what_it_defines() -> None:
    spec = pytest.importorskip("compose_spec", reason=FETCH)
    text = (DEPLOY / "compose.yaml").read_text()
    read = spec.PyCompose.from_yaml(text)
    read.validate()
    assert set(read.service_names()) == {"sandbox", "seed", "leader", "worker"}
    with pytest.raises(ValueError, match="netwroks"):
        spec.PyCompose.from_yaml(text.replace("networks: [private]", "netwroks: [private]", 1))
    with pytest.raises(ValueError, match="is not defined"):
        spec.PyCompose.from_yaml(text.replace("secrets: [fleet]", "secrets: [fleat]", 1)).validate()


def test_the_container_file_is_one_that_a_linter_has_nothing_to_say_of() -> None:
    beside = Path(sys.executable).with_name("hadolint")
    linter = str(beside) if beside.exists() else shutil.which("hadolint")
    if linter is None:
        pytest.skip(f"hadolint is not there: {FETCH}")
    text = (DEPLOY / "Containerfile").read_text()
    for content, code in ((text, 0), (text.replace("COPY harness", "COPPY harness"), 1)):
        done = subprocess.run([linter, "-"], input=content, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout
