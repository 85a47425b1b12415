"""People are derived, not drawn in sequence."""

from __future__ import annotations

import pytest

from harness.errors import InputError
from harness.population import mrn, patient_identity, staff_identity

LOCALES = ["en_US", "en_GB", "es_ES", "es_MX", "fr_FR", "de_DE"]


@pytest.mark.parametrize("locale", LOCALES)
def test_a_person_has_all_that_a_registration_asks_for(locale: str):
    who = patient_identity(7, "river", 3, locale)
    assert who.family
    assert who.given
    assert who.gender in ("female", "male")
    assert 1931 <= who.birthdate.year <= 2007
    assert who.phone
    address = who.address
    assert all((address.line, address.city, address.postal_code))
    assert "\n" not in address.line
    assert address.country == locale[-2:]


def test_only_some_countries_have_states_in_their_addresses():
    assert len(patient_identity(7, "river", 3, "en_US").address.state) == 2
    assert patient_identity(7, "river", 3, "fr_FR").address.state == ""


def test_a_person_does_not_depend_on_who_was_asked_for_before():
    alone = patient_identity(7, "river", 41, "en_US")
    for ordinal in range(5):
        patient_identity(7, "lake", ordinal, "en_US")
        staff_identity(7, "lake", "nurse", ordinal, "en_US")
    assert patient_identity(7, "river", 41, "en_US") == alone


def test_two_hundred_patients_of_a_site_are_two_hundred_people():
    people = {patient_identity(7, "river", ordinal, "en_US") for ordinal in range(200)}
    assert len({(who.family, who.given, who.birthdate) for who in people}) >= 199
    assert len({who.mrn for who in people}) == 200
    women = sum(who.gender == "female" for who in people)
    assert 70 < women < 130


def test_a_nurse_and_a_physician_of_one_number_are_two_people():
    nurse, physician = (staff_identity(7, "river", persona, 1, "en_US") for persona in ("nurse", "physician"))
    assert nurse != physician
    assert nurse.npi != physician.npi


def test_only_the_united_states_have_npis():
    assert len(staff_identity(7, "river", "nurse", 1, "en_US").npi) == 10
    assert staff_identity(7, "river", "nurse", 1, "de_DE").npi == ""


def test_a_country_whose_phone_numbers_nobody_knows_has_people_all_the_same():
    assert patient_identity(7, "river", 1, "fil_PH").phone == ""


def test_a_locale_without_a_country_gives_none():
    assert patient_identity(7, "river", 1, "la").address.country == ""


def test_an_unknown_locale_is_refused_with_the_one_that_was_meant():
    with pytest.raises(InputError, match=r"unknown locale 'en_SU'") as caught:
        patient_identity(7, "river", 1, "en_SU")
    assert "did you mean 'en_US'?" in str(caught.value)
    assert caught.value.exit_code == 2
    with pytest.raises(InputError) as caught:
        staff_identity(7, "river", "nurse", 1, "klingon")
    assert "en_US, es_MX" in str(caught.value)


def test_record_numbers_tell_sites_apart_and_never_run_out():
    assert mrn("river", 0) == mrn("river", 0)
    assert mrn("river", 0)[:3] != mrn("lake", 0)[:3]
    assert len(mrn("river", 999_999)) == 9
    assert len({mrn("river", ordinal) for ordinal in (0, 1, 999_999, 1_000_000, 10_000_000, 1 << 40)}) == 6
