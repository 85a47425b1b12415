"""Beds hold for every number of patients."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.clinic.hospital import bed_count, bed_of, is_free, rank, whereabouts

patients = st.integers(min_value=0, max_value=3000)


@given(patients)
def test_every_inpatient_has_a_bed_alone_and_all_others_are_free(number: int):
    taken = [bed for ordinal in range(number) if (bed := bed_of(ordinal)) is not None]
    beds = bed_count(number)
    assert sorted([*taken, *(bed for bed in range(beds) if is_free(bed, beds))]) == list(range(beds))


@given(patients)
def test_a_fifth_of_the_beds_is_free(number: int):
    beds = bed_count(number)
    free = sum(is_free(bed, beds) for bed in range(beds))
    assert beds / 5 <= free < beds / 5 + 1


@given(st.integers(min_value=0, max_value=10**9))
def test_where_a_patient_is_does_not_depend_on_how_many_there_are(ordinal: int):
    """A rank tells her from everybody else in the same place: the next one there has the next."""
    following = next(other for other in range(ordinal + 1, ordinal + 11) if whereabouts(other) == whereabouts(ordinal))
    assert rank(following) == rank(ordinal) + 1
