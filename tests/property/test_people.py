"""People hold for every seed, site and number."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.population import Stream, npi, patient_identity, staff_identity

seeds = st.integers(min_value=0, max_value=2**63 - 1)
sites = st.text(min_size=1, max_size=30)
ordinals = st.integers(min_value=0, max_value=10**7)
locales = st.sampled_from(["en_US", "es_ES", "es_MX", "fr_FR", "de_DE"])


@given(seeds, sites, ordinals, locales)
def test_the_same_name_is_the_same_person(seed: int, site: str, ordinal: int, locale: str):
    assert patient_identity(seed, site, ordinal, locale) == patient_identity(seed, site, ordinal, locale)
    assert staff_identity(seed, site, "nurse", ordinal, locale) == staff_identity(seed, site, "nurse", ordinal, locale)


@given(seeds, sites, ordinals, ordinals, locales)
def test_different_numbers_are_different_people(seed: int, site: str, one: int, other: int, locale: str):
    """Also when their record numbers, which always differ, are left out."""
    first, second = (replace(patient_identity(seed, site, ordinal, locale), mrn="") for ordinal in (one, other))
    assert (first == second) == (one == other)


@given(seeds, seeds, sites, sites, ordinals)
def test_another_seed_or_another_site_has_other_people(seed: int, seed2: int, site: str, site2: str, ordinal: int):
    first = replace(patient_identity(seed, site, ordinal, "en_US"), mrn="")
    second = replace(patient_identity(seed2, site2, ordinal, "en_US"), mrn="")
    assert (first == second) == ((seed, site) == (seed2, site2))


@given(seeds)
def test_the_check_digit_of_an_npi_is_valid(seed: int):
    """Luhn over the prefix 80840 and all ten digits, as CMS defines it, computed here the long way."""
    number = npi(Stream(seed))
    assert len(number) == 10
    assert number[0] in "12"
    total = 0
    for place, digit in enumerate(reversed("80840" + number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    assert total % 10 == 0
