"""Plain Locust: what the options ask for, whether the people are there, and the folder that is laid out for the run."""

from __future__ import annotations

import json
import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from harness.errors import HarnessError, InputError, NoPatients, RunError, TargetError
from harness.load.discovery import discover
from harness.load.options import add_options
from harness.load.preparation import load_prepared, prepare_run
from harness.plan import compile_plan, expected_load, partition, write_plan
from harness.scenario import TARGET, load_scenario, population_of, resolve

QUICK = str(Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml")


def options(*arguments: str) -> Namespace:
    parser = ArgumentParser()
    add_options(parser, QUICK)
    return parser.parse_args(list(arguments))


def environment(target: str, *arguments: str) -> SimpleNamespace:
    """What preparing needs of Locust's environment."""
    return SimpleNamespace(host=target, parsed_options=options(*arguments))


# ---- looking at the target


def test_everybody_who_was_seeded_is_found(seeded, spec):
    found = discover(spec, seeded)
    assert found.capabilities[TARGET].fhir_version.startswith("4.0")
    assert set(found.register) == {site.name for site in spec.sites}
    for site in spec.sites:
        register = found.register[site.name]
        assert len(register.patients) == site.patients
        assert len({patient.id for patient in register.patients}) == site.patients
        assert {persona: len(ids) for persona, ids in register.practitioners.items()} == dict(site.heads)
        assert register.organization
        expected = [key.rpartition("|")[2] for key in population_of(spec, site).patient_keys]
        assert [patient.mrn for patient in register.patients] == expected


def test_people_of_another_seed_are_not_taken_for_ours(seeded):
    other = resolve(load_scenario(QUICK, ()), sites=2, seed=6, duration_s=30.0)
    with pytest.raises(NoPatients, match="people of site 'river' are not at the target") as caught:
        discover(other, seeded)
    assert "emrload seed" in caught.value.hint


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "the body is not JSON"),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "status 401"),
        (b"HTTP/1.1 302 Found\r\nLocation: https://login.example/x\r\nContent-Length: 0\r\n\r\n", "login.example"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]", "CapabilityStatement must be"),
        (b"", "closed by the server"),
    ],
)
def test_a_target_that_is_no_fhir_server_is_said(serve, spec, words, why):
    server = serve(lambda line: (line.answer(words), line.close()))
    with pytest.raises(TargetError, match=why) as caught:
        discover(spec, server.url)
    assert "--host" in caught.value.hint


def test_a_target_that_is_no_address_is_said(spec):
    with pytest.raises(TargetError, match="is not an http or https URL"):
        discover(spec, "ehr.example.org")


def test_looking_is_control_traffic(serve, spec):
    server = serve(lambda line: (line.answer(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n"), line.close()))
    with pytest.raises(TargetError):
        discover(spec, server.url)
    assert b"X-Request-Id: control-" in server.requests[0]
    assert b"X-Site" not in server.requests[0]


def of_json(content: object) -> bytes:
    body = json.dumps(content).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize(
    ("link", "asked", "why"),
    [
        ("http://[bad/x", None, "a link that is no URL"),
        ("Organization?page=2 HTTP/1.1\r\n\r\nDELETE /x", b"GET /fhir/Organization?page=2%20HTTP/1.1%0D", "status 410"),
    ],
)
def test_a_link_to_more_people_is_one_request_or_said(serve, spec, link, asked, why):
    gone = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
    page = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": link}]}
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{"mode": "server"}]}
    answers = [of_json(statement), of_json(page), *([gone] if asked else [])]
    server = serve(lambda line: [line.answer(one) for one in answers])
    with pytest.raises(TargetError, match=why):
        discover(spec, server.url)
    assert asked is None or server.requests[2].startswith(asked)


def test_a_site_with_an_endpoint_of_its_own_is_found_there(seeded, spec):
    own = seeded.replace("127.0.0.1", "localhost")  # the same server under another name
    river, lake = spec.sites
    mixed = spec.model_copy(update={"sites": (river.model_copy(update={"endpoint": own}), lake)})
    found = discover(mixed, seeded)
    assert list(found.capabilities) == [TARGET, own]
    assert found.register == discover(spec, seeded).register
    elsewhere = spec.model_copy(
        update={"sites": (river, lake.model_copy(update={"endpoint": "http://127.0.0.1:9/fhir"}))}
    )
    with pytest.raises(TargetError, match="does not answer"):
        discover(elsewhere, seeded)


# ---- the options


def test_without_a_target_there_is_no_run():
    with pytest.raises(TargetError, match="no target"):
        prepare_run(environment(""))


def test_options_that_cannot_be_read_are_all_told(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    bad = ["--emr-sites", "ten", "--emr-seed", "1.5", "--emr-duration", "10", "--emr-window", "9-10"]
    with pytest.raises(InputError) as caught:
        prepare_run(environment("http://127.0.0.1:9/fhir", *bad))
    assert [problem.where for problem in caught.value.problems] == [
        "--emr-sites",
        "--emr-seed",
        "--emr-duration",
        "--emr-window",
    ]
    assert all("write" in problem.help for problem in caught.value.problems)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "bad", [["--emr-sites", "0"], ["--emr-sites", "-1"], ["--emr-seed", "-3"], ["--emr-scenario", "morning-rusk"]]
)
def test_what_cannot_be_played_is_refused(bad, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        prepare_run(environment("http://127.0.0.1:9/fhir", *bad))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "where", "way_out"),
    [
        (["--emr-sites", "0"], "--emr-sites", "from 1"),
        (["--emr-duration", "1ms"], "--emr-duration", "from 1s"),
        (["--emr-window", "02:00..03:00"], "--emr-window", "the timeline of quick-rush"),
        (["--emr-set", "think_facto=1"], "--emr-set think_facto=1", "think_factor"),
        (["--emr-set", "nothing"], "--emr-set nothing", "such as --emr-set think_factor=0.5"),
        (["--emr-set", "think_factor=-1"], "--emr-set think_factor=-1", ""),
    ],
)
def test_an_error_names_the_option_as_it_was_typed(bad, where, way_out):
    with pytest.raises(InputError) as caught:
        prepare_run(environment("http://127.0.0.1:9/fhir", *bad))
    (problem,) = caught.value.problems
    assert problem.where == where
    assert way_out in problem.help


def test_a_window_with_its_day_is_of_that_day():
    days = ["--emr-set", "timeline=06:30..1d10:30", "--emr-set", "plays=1d06:30..1d10:30"]
    with pytest.raises(InputError, match="lies outside the timeline"):
        prepare_run(environment("http://127.0.0.1:9/fhir", *days, "--emr-window", "0d05:00..0d06:00"))
    with pytest.raises(TargetError):  # that of the day that is played lies within
        prepare_run(environment("http://127.0.0.1:9/fhir", *days, "--emr-window", "05:00..06:00"))


# ---- one's own patients, and endpoints of sites


@pytest.fixture
def own_patients(seeded, spec, tmp_path):
    """A file that names two of those who are there, one by id and one by record number."""
    first, second = discover(spec, seeded).register["river"].patients[:2]
    system = population_of(spec, spec.sites[0]).mrn_system
    path = tmp_path / "mine.csv"
    path.write_text(f"id,identifier,site\n{first.id},,lake\n,{system}|{second.mrn},river\n")
    return path


def test_plain_locust_takes_patients_from_a_file_too(seeded, monkeypatch, own_patients, tmp_path):
    monkeypatch.chdir(tmp_path)
    alone = prepare_run(environment(seeded, "--emr-sites", "2", "--emr-patients", str(own_patients)))
    assert {site: len(register.patients) for site, register in alone.register.items()} == {"river": 1, "lake": 1}
    assert alone.register["lake"].practitioners["nurse"]  # whoever is there
    assert {site.identifier_system for site in alone.plan.spec.sites} == {"urn:emr-load-harness:mrn:river"}
    assert alone.run_dir.read_manifest()["patients"] == {"file": "mine.csv", "rows": 2}


def test_a_patient_of_the_file_who_is_not_there_is_told_by_her_line(seeded, monkeypatch, own_patients, tmp_path):
    monkeypatch.chdir(tmp_path)
    own_patients.write_text(own_patients.read_text() + "nobody,,river\n")
    with pytest.raises(NoPatients, match="line 4: there is no such Patient"):
        prepare_run(environment(seeded, "--emr-sites", "2", "--emr-patients", str(own_patients)))
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(("options", "allowed"), [([], False), (["--emr-i-own", "ehr.invalid"], True)])
def test_plain_locust_loads_no_host_of_a_scenario_that_the_user_did_not_name(options, allowed, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    sites = tmp_path / "sites.csv"
    sites.write_text("name,template,endpoint\nriver,small-clinic,http://ehr.invalid/fhir\n")
    typed = ["--emr-sites-file", str(sites), *options]
    with pytest.raises(TargetError if allowed else InputError) as caught:
        prepare_run(environment("http://127.0.0.1:9/fhir", *typed))
    if not allowed:
        assert "add --emr-i-own ehr.invalid" in str(caught.value)


def test_sites_of_a_file_are_the_runs_sites_and_the_folder_says_so(seeded, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sites.csv").write_text("name,template\nriver,small-clinic\nlake,small-clinic\n")
    prepared = prepare_run(
        environment(seeded, "--emr-sites-file", "sites.csv", "--emr-seed", "5", "--emr-duration", "30s")
    )
    assert [site.name for site in prepared.plan.spec.sites] == ["river", "lake"]
    assert prepared.run_dir.read_manifest()["asked"]["sites_file"] == "sites.csv"


def test_a_number_of_sites_and_a_file_of_them_exclude_each_other(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        prepare_run(environment("http://127.0.0.1:9/fhir", "--emr-sites", "2", "--emr-sites-file", "sites.csv"))
    assert [problem.where for problem in caught.value.problems] == ["--emr-sites-file"]


def test_a_sites_file_that_is_wrong_is_explained(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sites.csv").write_text("name,template\nriver,smal-clinic\n")
    with pytest.raises(InputError, match=r"sites\.csv:2: column 'template': unknown template 'smal-clinic'"):
        prepare_run(environment("http://127.0.0.1:9/fhir", "--emr-sites-file", "sites.csv"))


# ---- the folder


@pytest.fixture
def alone(seeded, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    arguments = ["--emr-sites", "2", "--emr-seed", "5", "--emr-duration", "30s", "--emr-set", "think_factor=0.5"]
    return prepare_run(environment(seeded, *arguments))


def test_plain_locust_lays_out_a_folder_from_which_workers_can_begin(alone, seeded):
    manifest = alone.run_dir.read_manifest()
    assert alone.run_dir.path.parent.name == "reports"
    assert (manifest["state"], manifest["seed"], manifest["sites"]) == ("running", 5, 2)
    assert manifest["target"]["url"] == seeded
    assert manifest["roster_digest"] == alone.plan.roster_digest
    assert alone.plan.spec.scenario.think_factor == 0.5
    shares = alone.share_out(2)
    assert set(shares) == {0, 1}
    assert pq.read_table(alone.run_dir.plan).column("worker").to_pylist() == list(shares)
    assert alone.run_dir.read_manifest()["workers"] == 2

    assert list(json.loads(alone.run_dir.capabilities.read_bytes())) == [TARGET]
    read = load_prepared(alone.run_dir.path, seeded)
    assert read.plan.roster_digest == alone.plan.roster_digest
    assert (read.register, read.run_id) == (alone.register, alone.run_id)
    assert read.share_out(2) == shares


def test_a_plan_for_more_processes_than_take_part_is_refused(alone, seeded):
    alone.share_out(3)
    with pytest.raises(RunError, match=r"for . load processes, but only 1 take part"):
        load_prepared(alone.run_dir.path, seeded).share_out(1)


def test_more_processes_than_were_started_are_refused(alone, seeded):
    """Somebody else's worker is at this master's port."""
    alone.share_out(2)
    with pytest.raises(RunError, match="3 load processes take part, but only 2 were started"):
        load_prepared(alone.run_dir.path, seeded).share_out(3)


def test_a_folder_whose_roster_is_another_is_refused(alone, seeded, spec):
    other = resolve(load_scenario(QUICK, ()), sites=2, seed=99, duration_s=30.0)
    plan = compile_plan(other)
    write_plan(plan, partition(plan, 1), expected_load(plan), alone.run_dir)
    with pytest.raises(RunError, match="another roster"):
        load_prepared(alone.run_dir.path, seeded).share_out(1)


@pytest.mark.parametrize("gone", ["register.json", "capabilities.json", "scenario.yaml", "manifest.json"])
def test_a_prepared_folder_that_is_not_whole_is_said(alone, seeded, gone, tmp_path):
    (alone.run_dir.path / gone).unlink()
    with pytest.raises(HarnessError) as caught:
        prepare_run(environment(seeded, "--emr-run", str(alone.run_dir.path)))
    assert gone in str(caught.value) or alone.run_dir.path.name in str(caught.value)
    shutil.rmtree(tmp_path / "reports")
