"""Sizes of scans hold for every draw."""

from __future__ import annotations

from base64 import b64decode
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.clinic.imaging import scrolled
from harness.fhir import resources
from harness.fhir.resources.papers import LARGEST_SCAN_BYTES, SMALLEST_SCAN_BYTES

shares = st.floats(0, 1)


@given(shares, shares)
def test_a_scan_has_a_tenth_to_five_megabytes_and_a_later_place_is_no_smaller(one: float, other: float):
    smaller, larger = (resources.scan_bytes(share) for share in sorted((one, other)))
    assert SMALLEST_SCAN_BYTES <= smaller <= larger <= LARGEST_SCAN_BYTES


@given(st.integers(3, 200_000))
def test_every_size_gives_whole_base64(size: int):
    assert size - 3 < len(b64decode(resources.binary(size)["data"], validate=True)) <= size


@given(st.lists(st.integers(), unique=True, max_size=8), st.integers(0, 60))
def test_scrolling_moves_from_an_image_to_its_neighbour_and_misses_none(images: list[int], views: int):
    seen = scrolled([str(image) for image in images], views)
    assert len(seen) == (views if images else 0)
    place = {str(image): number for number, image in enumerate(images)}
    steps = {abs(place[one] - place[other]) for one, other in pairwise(seen)}
    assert steps <= ({1} if len(images) > 1 else {0})
    assert views < len(images) or set(seen) == set(place)
