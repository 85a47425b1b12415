"""Where a hospital's patients are when a run begins, and which of its beds are free: rules on a patient's number alone.

    patient   0  1  2  3  4  5  6  7  8  9  …     of every ten six lie on a ward, one is in the emergency department,
    where     w  w  e  w  h  w  w  h  w  h        three are at home and come by appointment
    bed       0  1     2     3  5     6           every fifth bed (4, 9, …) is free

source: assumption throughout; with as many patients as staff it gives 300 beds to 400 people at work (OpenMRS Talk).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

__all__ = ["Whereabouts", "bed_count", "bed_name", "bed_of", "is_free", "is_hospital", "rank", "whereabouts"]

Whereabouts = Literal["ward", "emergency", "home"]

_INPATIENT_STAFF: Final = ("hospitalist", "ed-physician", "bed-coordinator")
_OF_TEN: Final[tuple[Whereabouts, ...]] = (
    *("ward", "ward", "emergency", "ward", "home"),
    *("ward", "ward", "home", "ward", "home"),
)
_FREE_OF: Final = 5
"""One bed in five is free (assumption)."""
_BEDS_A_WARD: Final = 25
"""source: assumption"""


def is_hospital(staff: Mapping[str, int]) -> bool:
    """Whether patients stay over night: somebody of those who only work where they do is on the staff."""
    return any(staff.get(persona, 0) for persona in _INPATIENT_STAFF)


def whereabouts(ordinal: int) -> Whereabouts:
    """Where the `ordinal`-th patient of a hospital is."""
    return _OF_TEN[ordinal % len(_OF_TEN)]


def rank(ordinal: int) -> int:
    """How many patients with lower numbers are where she is."""
    tens, rest = divmod(ordinal, len(_OF_TEN))
    here = whereabouts(ordinal)
    return tens * _OF_TEN.count(here) + _OF_TEN[:rest].count(here)


def bed_of(ordinal: int) -> int | None:
    """The number of her bed, None where she is not on a ward."""
    if whereabouts(ordinal) != "ward":
        return None
    place = rank(ordinal)
    return place + place // (_FREE_OF - 1)


def bed_count(patients: int) -> int:
    """Beds of a hospital with so many patients: one for each on a ward, and a free one for each four of them."""
    tens, rest = divmod(patients, len(_OF_TEN))
    occupied = tens * _OF_TEN.count("ward") + _OF_TEN[:rest].count("ward")
    return occupied + -(-occupied // (_FREE_OF - 1))


def is_free(bed: int, beds: int) -> bool:
    """Whether nobody lies in it at the beginning; the last of all `beds` is always free."""
    return bed % _FREE_OF == _FREE_OF - 1 or bed == beds - 1


def bed_name(bed: int) -> str:
    """`Ward 3, bed 12`."""
    ward, place = divmod(bed, _BEDS_A_WARD)
    return f"Ward {ward + 1}, bed {place + 1}"
