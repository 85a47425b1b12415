"""Short lists of codes that common primary care uses, each with where it comes from; nothing is drawn here.

Which entries stand in a list is our choice (assumption: what a morning in primary care meets often); codes and displays
are those of LOINC (Regenstrief Institute), SNOMED CT (SNOMED International), RxNorm (U.S. NLM) and ICD-10-CM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from harness.fhir.systems import ICD_10_CM, LOINC, RXNORM, SNOMED_CT

__all__ = [
    "ALLERGENS",
    "ALLERGY_REACTIONS",
    "BLOOD_PRESSURE",
    "BODY_TEMPERATURE",
    "CREATININE",
    "DIASTOLIC",
    "HEART_RATE",
    "LABORATORY_PROCEDURE",
    "LABS",
    "LAB_PANELS",
    "MEDICATIONS",
    "NOTE_TYPES",
    "OXYGEN_SATURATION",
    "POTASSIUM",
    "PROBLEMS",
    "PULSE_OXIMETRY",
    "RESPIRATORY_RATE",
    "SYSTOLIC",
    "VITAL_SIGNS",
    "Allergen",
    "Coding",
    "Lab",
    "LabPanel",
    "Medication",
    "Problem",
    "VitalSign",
]


@dataclass(frozen=True, slots=True)
class Coding:
    """One code with its official display."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Lab:
    """A laboratory result: its UCUM unit, the usual reference range of adults, the decimals that are reported.

    Ranges: assumption (usual adult reference intervals; laboratories differ).
    """

    coding: Coding
    unit: str
    low: float
    high: float
    decimals: int


@dataclass(frozen=True, slots=True)
class VitalSign:
    """A vital sign: its UCUM unit and the resting range of adults that values are drawn from (assumption)."""

    coding: Coding
    unit: str
    low: float
    high: float
    decimals: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnosis as the problem list has it and as billing has it."""

    snomed: Coding
    icd10: Coding


@dataclass(frozen=True, slots=True)
class Allergen:
    coding: Coding
    category: Literal["food", "medication", "environment"]


@dataclass(frozen=True, slots=True)
class Medication:
    """A drug and its usual dose by mouth (assumption): `units` of `form` (HL7 v3 orderableDrugForm), `times_a_day`."""

    coding: Coding
    form: str
    units: int
    times_a_day: int


@dataclass(frozen=True, slots=True)
class LabPanel:
    """An orderable set of labs; `labs` are those of it that we report, so a panel may hold more."""

    coding: Coding
    labs: tuple[Lab, ...]


def _loinc(code: str, display: str) -> Coding:
    return Coding(LOINC, code, display)


def _snomed(code: str, display: str) -> Coding:
    return Coding(SNOMED_CT, code, display)


def _lab(code: str, display: str, unit: str, low: float, high: float, decimals: int) -> Lab:
    return Lab(_loinc(code, display), unit, low, high, decimals)


def _vital(code: str, display: str, unit: str, low: float, high: float, decimals: int) -> VitalSign:
    return VitalSign(_loinc(code, display), unit, low, high, decimals)


def _problem(code: str, display: str, icd10: str, icd10_display: str) -> Problem:
    return Problem(_snomed(code, display), Coding(ICD_10_CM, icd10, icd10_display))


def _tablet(code: str, display: str, units: int = 1, times_a_day: int = 1, form: str = "TAB") -> Medication:
    return Medication(Coding(RXNORM, code, display), form, units, times_a_day)


# source: assumption (a short list of common chemistry and haematology results; codes and displays from LOINC 2.x)
POTASSIUM: Final = _lab("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 3.5, 5.1, 1)
CREATININE: Final = _lab("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.6, 1.3, 2)
_SODIUM = _lab("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 136, 145, 0)
_CHLORIDE = _lab("2075-0", "Chloride [Moles/volume] in Serum or Plasma", "mmol/L", 98, 107, 0)
_BICARBONATE = _lab("2028-9", "Carbon dioxide, total [Moles/volume] in Serum or Plasma", "mmol/L", 22, 29, 0)
_GLUCOSE = _lab("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 70, 99, 0)
_UREA_NITROGEN = _lab("3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma", "mg/dL", 7, 20, 0)
_CALCIUM = _lab("17861-6", "Calcium [Mass/volume] in Serum or Plasma", "mg/dL", 8.6, 10.3, 1)
_HEMOGLOBIN = _lab("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 12.0, 17.0, 1)
_HEMATOCRIT = _lab("4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count", "%", 36.0, 50.0, 1)
_LEUKOCYTES = _lab("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL", 4.0, 11.0, 1)
_PLATELETS = _lab("777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL", 150, 400, 0)
_A1C = _lab("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 4.0, 5.6, 1)
_THYROTROPIN = _lab("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma", "m[IU]/L", 0.4, 4.0, 2)
_CHOLESTEROL = _lab("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "mg/dL", 120, 200, 0)

LABS: Final = (
    POTASSIUM,
    CREATININE,
    _SODIUM,
    _CHLORIDE,
    _BICARBONATE,
    _GLUCOSE,
    _UREA_NITROGEN,
    _CALCIUM,
    _HEMOGLOBIN,
    _HEMATOCRIT,
    _LEUKOCYTES,
    _PLATELETS,
    _A1C,
    _THYROTROPIN,
    _CHOLESTEROL,
)

# source: assumption (panels that primary care orders often; codes and displays from LOINC 2.x)
LAB_PANELS: Final = (
    LabPanel(
        _loinc("24321-2", "Basic metabolic 2000 panel - Serum or Plasma"),
        (_SODIUM, POTASSIUM, _CHLORIDE, _BICARBONATE, _UREA_NITROGEN, CREATININE, _GLUCOSE, _CALCIUM),
    ),
    LabPanel(
        _loinc("24326-1", "Electrolytes 1998 panel - Serum or Plasma"), (_SODIUM, POTASSIUM, _CHLORIDE, _BICARBONATE)
    ),
    LabPanel(
        _loinc("58410-2", "CBC panel - Blood by Automated count"), (_LEUKOCYTES, _HEMOGLOBIN, _HEMATOCRIT, _PLATELETS)
    ),
)
LABORATORY_PROCEDURE: Final = _snomed("108252007", "Laboratory procedure")
"""The category of a laboratory order in US Core."""

# source: HL7 FHIR R4, vital signs profiles (codes and units); ranges: assumption
BLOOD_PRESSURE: Final = _loinc("85354-9", "Blood pressure panel with all children optional")
SYSTOLIC: Final = _vital("8480-6", "Systolic blood pressure", "mm[Hg]", 105, 145, 0)
DIASTOLIC: Final = _vital("8462-4", "Diastolic blood pressure", "mm[Hg]", 60, 90, 0)
HEART_RATE: Final = _vital("8867-4", "Heart rate", "/min", 58, 100, 0)
RESPIRATORY_RATE: Final = _vital("9279-1", "Respiratory rate", "/min", 12, 20, 0)
BODY_TEMPERATURE: Final = _vital("8310-5", "Body temperature", "Cel", 36.2, 37.6, 1)
OXYGEN_SATURATION: Final = _vital("2708-6", "Oxygen saturation in Arterial blood", "%", 94, 100, 0)
PULSE_OXIMETRY: Final = _loinc("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry")
"""Stands beside 2708-6 in the same Observation, as the profile asks for."""
VITAL_SIGNS: Final = (SYSTOLIC, DIASTOLIC, HEART_RATE, RESPIRATORY_RATE, BODY_TEMPERATURE, OXYGEN_SATURATION)

# source: assumption (common chronic problems; codes and displays from SNOMED CT and ICD-10-CM)
PROBLEMS: Final = (
    _problem("59621000", "Essential hypertension", "I10", "Essential (primary) hypertension"),
    _problem("44054006", "Type 2 diabetes mellitus", "E11.9", "Type 2 diabetes mellitus without complications"),
    _problem("55822004", "Hyperlipidemia", "E78.5", "Hyperlipidemia, unspecified"),
    _problem("195967001", "Asthma", "J45.909", "Unspecified asthma, uncomplicated"),
    _problem("40930008", "Hypothyroidism", "E03.9", "Hypothyroidism, unspecified"),
    _problem("84114007", "Heart failure", "I50.9", "Heart failure, unspecified"),
    _problem("49436004", "Atrial fibrillation", "I48.91", "Unspecified atrial fibrillation"),
    _problem("709044004", "Chronic kidney disease", "N18.9", "Chronic kidney disease, unspecified"),
    _problem("396275006", "Osteoarthritis", "M19.90", "Unspecified osteoarthritis, unspecified site"),
    _problem("271737000", "Anemia", "D64.9", "Anemia, unspecified"),
)

# source: assumption (common allergies and reactions; codes and displays from SNOMED CT)
ALLERGENS: Final = (
    Allergen(_snomed("91936005", "Allergy to penicillin"), "medication"),
    Allergen(_snomed("293586001", "Allergy to aspirin"), "medication"),
    Allergen(_snomed("91935009", "Allergy to peanut"), "food"),
    Allergen(_snomed("417532002", "Allergy to fish"), "food"),
    Allergen(_snomed("300916003", "Latex allergy"), "environment"),
    Allergen(_snomed("418689008", "Allergy to grass pollen"), "environment"),
)
ALLERGY_REACTIONS: Final = (
    _snomed("271807003", "Eruption of skin"),
    _snomed("126485001", "Urticaria"),
    _snomed("267036007", "Dyspnea"),
    _snomed("39579001", "Anaphylaxis"),
)

# source: assumption (common oral drugs; codes and displays from RxNorm, semantic clinical drugs)
MEDICATIONS: Final = (
    _tablet("314076", "lisinopril 10 MG Oral Tablet"),
    _tablet("197361", "amlodipine 5 MG Oral Tablet"),
    _tablet("310798", "hydrochlorothiazide 25 MG Oral Tablet"),
    _tablet("861007", "metformin hydrochloride 500 MG Oral Tablet", times_a_day=2),
    _tablet("314231", "simvastatin 10 MG Oral Tablet"),
    _tablet("243670", "aspirin 81 MG Oral Tablet"),
    _tablet("313988", "furosemide 40 MG Oral Tablet"),
    _tablet("855332", "warfarin sodium 5 MG Oral Tablet"),
    _tablet("313782", "acetaminophen 325 MG Oral Tablet", units=2, times_a_day=3),
    _tablet("310965", "ibuprofen 200 MG Oral Tablet", units=2, times_a_day=3),
    _tablet("312617", "prednisone 5 MG Oral Tablet"),
    _tablet("308182", "amoxicillin 250 MG Oral Capsule", times_a_day=3, form="CAP"),
)

# source: assumption (note types that primary care writes; codes and displays from LOINC 2.x)
NOTE_TYPES: Final = (
    _loinc("11506-3", "Progress note"),
    _loinc("34117-2", "History and physical note"),
    _loinc("11488-4", "Consult note"),
    _loinc("18842-5", "Discharge summary"),
)
