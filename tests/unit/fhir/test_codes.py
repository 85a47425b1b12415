"""The lists of codes are short, without doubles, and keep to their systems."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from harness.fhir import ancillary_codes, codes, ward_codes
from harness.fhir.systems import ICD_10_CM, LOINC, RXNORM, SNOMED_CT

LISTS: dict[str, tuple[Sequence[codes.Coding], str, str]] = {
    "labs": ([lab.coding for lab in codes.LABS], LOINC, r"\d{1,5}-\d"),
    "panels": ([panel.coding for panel in codes.LAB_PANELS], LOINC, r"\d{1,5}-\d"),
    "vital signs": ([sign.coding for sign in codes.VITAL_SIGNS], LOINC, r"\d{1,5}-\d"),
    "notes": (codes.NOTE_TYPES, LOINC, r"\d{1,5}-\d"),
    "problems": ([problem.snomed for problem in codes.PROBLEMS], SNOMED_CT, r"\d{6,18}"),
    "diagnoses": ([problem.icd10 for problem in codes.PROBLEMS], ICD_10_CM, r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?"),
    "allergens": ([allergen.coding for allergen in codes.ALLERGENS], SNOMED_CT, r"\d{6,18}"),
    "reactions": (codes.ALLERGY_REACTIONS, SNOMED_CT, r"\d{6,18}"),
    "imaging": ([exam.coding for exam in ancillary_codes.IMAGING_EXAMS], LOINC, r"\d{1,5}-\d"),
    "papers": (ancillary_codes.SCAN_TYPES, LOINC, r"\d{1,5}-\d"),
    "procedures": (ancillary_codes.PROCEDURES, SNOMED_CT, r"\d{6,18}"),
    "visits": (
        [ward_codes.OUTPATIENT_VISIT, ward_codes.EMERGENCY_VISIT, ward_codes.INPATIENT_STAY, ward_codes.TRANSPORT],
        SNOMED_CT,
        r"\d{6,18}",
    ),
    "notes of a ward": (
        [ward_codes.EMERGENCY_NOTE, ward_codes.PROGRESS_NOTE, ward_codes.DISCHARGE_SUMMARY],
        LOINC,
        r"\d{1,5}-\d",
    ),
    "medications": ([drug.coding for drug in codes.MEDICATIONS], RXNORM, r"\d{4,7}"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_names_each_code_once_in_its_system(name: str):
    listed, system, pattern = LISTS[name]
    assert len({code.code for code in listed}) == len({code.display for code in listed}) == len(listed) > 1
    assert all(code.system == system and re.fullmatch(pattern, code.code) for code in listed)


@pytest.mark.parametrize("name", [name for name, (_, system, _) in LISTS.items() if system == LOINC])
def test_loinc_codes_end_with_their_check_digit(name: str):
    for code in LISTS[name][0]:
        stem, _, check = code.code.partition("-")
        assert luhn_digit(stem) == int(check), code


def luhn_digit(stem: str) -> int:
    total = 0
    for place, digit in enumerate(reversed(stem)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return -total % 10


@pytest.mark.parametrize("name", [name for name, (_, system, _) in LISTS.items() if system == SNOMED_CT])
def test_snomed_codes_end_with_their_check_digit(name: str):
    for code in LISTS[name][0]:
        assert verhoeff_holds(code.code), code


def verhoeff_holds(number: str) -> bool:
    """Verhoeff's check over the dihedral group of order 10, as SNOMED CT identifiers use it."""

    def times(a: int, b: int) -> int:
        if a < 5:
            return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
        return 5 + (a - b) % 5 if b < 5 else (a - b) % 5

    def moved(digit: int, places: int) -> int:
        for _ in range(places % 8):
            digit = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[digit]
        return digit

    check = 0
    for place, digit in enumerate(reversed(number)):
        check = times(check, moved(int(digit), place))
    return check == 0


def test_ranges_are_ranges():
    assert all(0 < one.low < one.high for one in (*codes.LABS, *codes.VITAL_SIGNS))


def test_a_panel_reports_labs_of_the_list():
    assert all(lab in codes.LABS for panel in codes.LAB_PANELS for lab in panel.labs)
