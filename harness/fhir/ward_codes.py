"""Codes of wards, beds and the emergency department: short lists as in `harness.fhir.codes`, nothing is drawn here.

Codes and displays are those of SNOMED CT (SNOMED International), LOINC (Regenstrief Institute) and HL7 v2 and v3; which
of them stand here is our choice (assumption: what a hospital's day needs).
"""

from __future__ import annotations

from typing import Final, Literal

from harness.fhir.codes import Coding
from harness.fhir.systems import ACT_CODE, LOINC, SNOMED_CT

__all__ = [
    "BED",
    "BED_REQUEST",
    "BED_STATES",
    "DISCHARGE_SUMMARY",
    "EMERGENCY_NOTE",
    "EMERGENCY_VISIT",
    "ENCOUNTER_CLASSES",
    "HOME",
    "INPATIENT_STAY",
    "OUTPATIENT_VISIT",
    "PROGRESS_NOTE",
    "TRANSPORT",
    "BedState",
    "EncounterClass",
]

EncounterClass = Literal["AMB", "IMP", "EMER"]
BedState = Literal["U", "O", "H"]

# source: HL7 v3 ActCode
ENCOUNTER_CLASSES: Final = {
    "AMB": Coding(ACT_CODE, "AMB", "ambulatory"),
    "IMP": Coding(ACT_CODE, "IMP", "inpatient encounter"),
    "EMER": Coding(ACT_CODE, "EMER", "emergency"),
}
# source: HL7 v2 table 0116, as Location.operationalStatus is bound to it in R4
_BED_STATUS: Final = "http://terminology.hl7.org/CodeSystem/v2-0116"
BED_STATES: Final = {
    "U": Coding(_BED_STATUS, "U", "Unoccupied"),
    "O": Coding(_BED_STATUS, "O", "Occupied"),
    "H": Coding(_BED_STATUS, "H", "Housekeeping"),
}
# source: HL7 FHIR R4, location-physical-type and discharge-disposition
BED: Final = Coding("http://terminology.hl7.org/CodeSystem/location-physical-type", "bd", "Bed")
HOME: Final = Coding("http://terminology.hl7.org/CodeSystem/discharge-disposition", "home", "Home")

# source: SNOMED CT
OUTPATIENT_VISIT: Final = Coding(SNOMED_CT, "185349003", "Encounter for check up")
EMERGENCY_VISIT: Final = Coding(SNOMED_CT, "50849002", "Emergency room admission")
INPATIENT_STAY: Final = Coding(SNOMED_CT, "32485007", "Hospital admission")
BED_REQUEST: Final = INPATIENT_STAY
"""What a Task is about that asks for a bed: the patient's admission."""
TRANSPORT: Final = Coding(SNOMED_CT, "107724000", "Patient transfer")

# source: LOINC 2.x
EMERGENCY_NOTE: Final = Coding(LOINC, "34111-5", "Emergency department Note")
PROGRESS_NOTE: Final = Coding(LOINC, "11506-3", "Progress note")
DISCHARGE_SUMMARY: Final = Coding(LOINC, "18842-5", "Discharge summary")
