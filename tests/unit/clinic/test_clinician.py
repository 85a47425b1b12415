from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest

from harness.clinic import Clinician, Found, KnownPatient, Pace, SiteRegister, StepFailed
from harness.clinic.virtual import VirtualWorld, virtual_post
from harness.fhir.call import Answer, Call

OURS = {"tag": [{"system": "urn:emr-load-harness:tag", "code": "synthetic"}], "versionId": "3"}
VISIT = {"resourceType": "Encounter", "id": "e1", "status": "in-progress", "meta": OURS}


class Server:
    """Answers in the order given, and remembers what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[Call] = []

    def __call__(self, call: Call) -> Answer:
        self.asked.append(call)
        return self.answers.pop(0)


def of(content: dict, status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(content))


REFUSED = Answer(412, outcome="expected_refusal")


@pytest.fixture
def at_work(clinic):
    def make(*answers: Answer, **post) -> tuple[Clinician, Server]:
        server = Server(*answers)
        persona = "primary-care-physician"
        return (
            Clinician(replace(virtual_post(persona, 1), **post), clinic.habits[persona], 0, VirtualWorld(server)),
            server,
        )

    return make


def finish(visit: dict) -> dict:
    return {**visit, "status": "finished"}


def test_a_refused_update_is_read_again_changed_again_and_sent_once_more_in_the_new_version(at_work):
    newer = {**VISIT, "meta": {**OURS, "versionId": "4"}, "priority": "urgent"}
    physician, server = at_work(REFUSED, of(newer), of(finish(newer)))
    assert physician.revise(VISIT, finish)["status"] == "finished"
    assert [call.operation for call in server.asked] == ["Encounter.update", "Encounter.read", "Encounter.update"]
    first, _, second = server.asked
    assert dict(first.headers)["If-Match"] == 'W/"3"'
    assert dict(second.headers)["If-Match"] == 'W/"4"'
    assert orjson.loads(second.body)["priority"] == "urgent"


def test_an_update_that_is_refused_twice_fails_the_step(at_work):
    physician, server = at_work(REFUSED, of(VISIT), REFUSED)
    with pytest.raises(StepFailed, match=r"Encounter\.update: refused twice"):
        physician.revise(VISIT, finish)
    assert server.answers == []


def test_nothing_is_changed_that_the_harness_did_not_write(at_work):
    physician, server = at_work()
    for meta in ({}, {"tag": [{"system": "somebody's", "code": "synthetic"}]}):
        with pytest.raises(StepFailed, match="not written by the harness"):
            physician.revise({**VISIT, "meta": meta}, finish)
    assert server.asked == []
    found = [{"resource": one} for one in (VISIT, {**VISIT, "meta": {}}, {"resourceType": "Encounter"})]
    assert Found(of({"resourceType": "Bundle", "entry": found})).ours == (VISIT,)


def test_what_was_found_and_cannot_be_read_fails_the_step():
    with pytest.raises(StepFailed, match="cannot be read as JSON"):
        _ = Found(Answer(200, b'{"total": 1e999}')).matches


def test_revising_leaves_what_was_read_as_it_was(at_work):
    before = orjson.dumps(VISIT)
    physician, _ = at_work(of(finish(VISIT)))
    physician.revise(VISIT, finish)
    assert orjson.dumps(VISIT) == before


def test_two_conditional_creates_at_once_end_in_one_record(at_work):
    """The server refuses the slower (409); sent again, it meets what the faster made."""
    physician, server = at_work(
        Answer(409, outcome="expected_refusal"), of({"resourceType": "Patient", "id": "first"}, 200)
    )
    stored = physician.create({"resourceType": "Patient"}, if_none_exist="identifier=a|1")
    assert stored["id"] == "first"
    assert server.asked[0] == server.asked[1]


def test_a_conditional_create_refused_twice_fails_the_step(at_work):
    physician, _ = at_work(*[Answer(409, outcome="expected_refusal")] * 2)
    with pytest.raises(StepFailed, match="refused twice"):
        physician.create({"resourceType": "Patient"}, if_none_exist="identifier=a|1")


def test_a_refusal_that_the_call_does_not_expect_fails_the_step(at_work):
    physician, _ = at_work(REFUSED)
    with pytest.raises(StepFailed, match="expected_refusal 412"):
        physician.read("Patient", "p1")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(0, outcome="timeout", detail="no answer within 30 s"), "Patient.read: timeout  no answer within 30 s"),
        (Answer(503, outcome="http_error"), "Patient.read: http_error 503"),
        (of({"resourceType": "OperationOutcome"}), "Patient.read: content 200 OperationOutcome where Patient must be"),
        (Answer(200, b"<html>"), "Patient.read: content 200 the body is not JSON"),
        (of({"resourceType": "Patient", "id": "p2"}), "Patient.read: content 200 another Patient than the one"),
    ],
)
def test_a_failed_step_says_in_one_sentence_what_was_wrong_and_names_nobody(at_work, answer, sentence):
    physician, _ = at_work(answer)
    with pytest.raises(StepFailed) as failure:
        physician.read("Patient", "p1")
    assert str(failure.value).startswith(sentence)
    assert "p1" not in str(failure.value)
    assert "p2" not in str(failure.value)


def test_the_next_page_is_followed_where_the_server_says_it_is(at_work):
    page = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": "http://x/?_getpages=9"}],
    }
    physician, server = at_work(of(page), of({"resourceType": "Bundle", "type": "searchset"}))
    first = physician.search("ServiceRequest", status="active")
    assert physician.next_page("ServiceRequest", first).next == ""
    assert server.asked[1].path == "http://x/?_getpages=9"
    assert server.asked[1].operation == "ServiceRequest.search.next"


def test_the_site_clock_shows_the_day_that_is_played(at_work):
    physician, _ = at_work(opens_at_s=6.5 * 3600, utc_offset_s=-5 * 3600)
    physician.world.wait(90.4)
    assert physician.now == datetime(2026, 1, 5, 6, 31, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert physician.now.astimezone(UTC).hour == 11


def test_a_clinician_draws_the_same_on_every_machine_and_another_one_differently(clinic):
    def drawn(ordinal: int, seed: int = 1) -> list:
        who = clinic.clinician("nurse", seed=seed, ordinal=ordinal)
        return [who.draws.bits(), who.new_name(), who.reading(3.5, 5.1)]

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)
    assert drawn(0) != drawn(0, seed=2)


def test_a_nurse_keeps_her_own_patients_all_day_and_neighbours_have_others(at_work, clinic):
    people = tuple(KnownPatient(str(number), "", "", "", "") for number in range(12))
    register = SiteRegister(people, {"nurse": ("n",)}, "o")
    post = replace(virtual_post("nurse", 1), register=register)
    seen = []
    for ordinal in (0, 1, 2):
        nurse = Clinician(post, clinic.habits["nurse"], ordinal, VirtualWorld(Server()))
        seen.append({int(nurse.own_patient(5).id) for _ in range(200)})
    assert seen == [{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}, {10, 11, 0, 1, 2}]


def test_every_patient_of_the_site_may_come_next(clinic):
    people = tuple(KnownPatient(str(number), "", "", "", "") for number in range(8))
    post = replace(virtual_post("nurse", 1), register=SiteRegister(people, {"nurse": ("n",)}, "o"))
    nurse = Clinician(post, clinic.habits["nurse"], 0, VirtualWorld(Server()))
    assert {nurse.next_patient() for _ in range(200)} == set(people)


def test_taking_over_is_of_all_the_patients_that_are_ones_own(clinic):
    people = tuple(KnownPatient(str(number), "", "", "", "") for number in range(12))
    post = replace(virtual_post("nurse", 1), register=SiteRegister(people, {"nurse": ("n",)}, "o"))
    for ordinal in (0, 2):
        nurse = Clinician(post, clinic.habits["nurse"], ordinal, VirtualWorld(Server()))
        taken_over = [patient.id for patient in nurse.own_patients(5)]
        assert set(taken_over) == {nurse.own_patient(5).id for _ in range(200)}
        assert len(taken_over) == len(set(taken_over)) == 5


def test_where_the_record_knows_no_staff_and_no_site_nobody_is_named_and_searches_ask_for_everybody(at_work):
    nobody = SiteRegister((), {}, "")
    found = of({"resourceType": "Bundle", "type": "searchset"})
    physician, server = at_work(found, register=nobody)
    assert (physician.practitioner, physician.organization) == ("", "")
    assert physician.look_up(physician.practitioner) is None
    physician.search("Task", status="requested", owner=physician.organization, _count="50")
    assert [call.path for call in server.asked] == ["Task?status=requested&_count=50"]
    assert physician.own_share([VISIT]) == [VISIT]


def test_what_a_reference_leads_to_is_read(at_work):
    physician, server = at_work(of(VISIT))
    assert physician.look_up("Encounter/e1") == VISIT
    assert server.asked[0].path == "Encounter/e1"


def test_work_that_a_colleague_took_meanwhile_is_hers(at_work):
    physician, server = at_work(of(finish(VISIT)), REFUSED)
    assert physician.claim(VISIT, finish) == finish(VISIT)
    assert physician.claim(VISIT, finish) is None
    assert [dict(call.headers)["If-Match"] for call in server.asked] == ['W/"3"', 'W/"3"']
    with pytest.raises(StepFailed, match="not written by the harness"):
        physician.claim({**VISIT, "meta": {}}, finish)


def test_steps_come_in_the_order_that_is_habitual_at_the_site(at_work):
    def taken(**post) -> tuple[list[str], dict[str, int]]:
        physician, _ = at_work(**post)
        order: list[str] = []
        steps = {name: lambda name=name: order.append(name) or len(name) for name in ("visits", "signs", "labs")}
        return order, physician.in_order("find-history", steps)

    as_given = (["visits", "signs", "labs"], {"visits": 6, "signs": 5, "labs": 4})
    assert taken() == taken(order={"worklist": ("labs",)}) == as_given
    assert taken(order={"find-history": ("labs",)})[0] == ["labs", "visits", "signs"]
    assert taken(order={"find-history": ("labs", "signs", "visits")})[0] == ["labs", "signs", "visits"]


def test_a_medical_record_number_is_one_of_the_sites_own_system(at_work):
    assert at_work()[0].mrn("12") == "urn:emr-load-harness:mrn:virtual|12"
    assert at_work(mrn_system="urn:oid:1.2.3")[0].mrn("12") == "urn:oid:1.2.3|12"


def test_what_is_so_in_a_share_of_cases_is_so_as_often(at_work):
    physician, _ = at_work()
    assert sum(physician.happens(0.25) for _ in range(4000)) / 4000 == pytest.approx(0.25, abs=0.03)


def test_practitioners_are_shared_out_over_more_clinicians_than_there_are(at_work):
    register = SiteRegister((), {"primary-care-physician": ("a", "b")}, "o7")
    physician, _ = at_work(register=register)
    shown = []
    for physician.ordinal in range(3):
        shown.append(physician.practitioner)
    assert shown == ["Practitioner/a", "Practitioner/b", "Practitioner/a"]
    assert physician.organization == "Organization/o7"


def test_some_of_a_list_are_neighbours_from_any_place_of_it(at_work):
    physician, _ = at_work()
    assert physician.pick([], 3) == ()
    assert physician.pick([1, 2], 3) == (1, 2)
    picks = {physician.pick(range(6), 3) for _ in range(200)}
    assert picks == {(0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5)}


def test_colleagues_share_work_out_and_nobody_is_idle_while_there_is_some(at_work):
    work = [{"id": str(number)} for number in range(100)]
    register = SiteRegister((), {"primary-care-physician": ("a", "b", "c")}, "o")
    physician, _ = at_work(register=register)
    shares = []
    for physician.ordinal in range(3):
        shares.append({one["id"] for one in physician.own_share(work)})
    assert set.union(*shares) == {one["id"] for one in work}
    assert sum(map(len, shares)) == 100
    assert min(map(len, shares)) > 20
    (theirs,) = (one for one in work if one["id"] == max(shares[1]))
    physician.ordinal = 0
    assert physician.own_share([theirs]) == [theirs]
    assert physician.own_share([]) == []


def test_readings_lie_a_little_beyond_the_usual_range_at_most(at_work):
    physician, _ = at_work()
    readings = [physician.reading(10.0, 20.0) for _ in range(3000)]
    assert 9.0 <= min(readings) < 10.0
    assert 20.0 < max(readings) <= 21.0
    outside = sum(not 10 <= reading <= 20 for reading in readings) / len(readings)
    assert outside == pytest.approx(1 / 6, abs=0.03)


def test_thinking_takes_its_mean_on_the_mean_and_none_where_the_pace_is_zero(at_work):
    physician, _ = at_work()
    for _ in range(4000):
        physician.think("anything")
    assert physician.world.now_s / 4000 == pytest.approx(13.0, rel=0.03)
    before_s = physician.world.now_s
    physician.pause(Pace(0.0, 0.6))
    assert physician.world.now_s == before_s


def test_nobody_is_registered_twice_within_a_run_or_in_the_next_one(at_work):
    def numbers(run_id: str) -> list[str]:
        clerk, _ = at_work(run_id=run_id)
        return [clerk.newcomer().mrn for _ in range(20)]

    assert numbers("0000000a") == numbers("0000000a")
    assert len({*numbers("0000000a"), *numbers("0000000b")}) == 40


def test_of_charts_that_are_not_ours_nobody_knows_what_they_hold(clinic):
    """A bare chart is a failed step where it was seeded, and nothing out of the ordinary where it was not."""
    empty = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    who = clinic.clinician("primary-care-physician", lambda *_: Answer(200, orjson.dumps(empty)))
    with pytest.raises(StepFailed, match="0 matches of Condition where at least 1 must be"):
        who.search("Condition", patient="p1", at_least=1)
    who.post = replace(who.post, register=replace(who.post.register, seeded=False))
    assert who.search("Condition", patient="p1", at_least=1).matches == ()


def test_who_first_came_during_the_run_may_have_a_bare_chart(clinic):
    empty = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    who = clinic.clinician("bed-coordinator", lambda *_: Answer(200, orjson.dumps(empty)))
    known = who.post.register.patients[0].id
    with pytest.raises(StepFailed, match="0 matches of Condition where at least 1 must be"):
        who.search("Condition", patient=known, at_least=1)
    assert who.search("Condition", patient="came-unconscious", at_least=1).matches == ()
