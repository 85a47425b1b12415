"""The tables of search parameters, joined."""

from __future__ import annotations

from harness.sandbox.administrative_parameters import ADMINISTRATIVE
from harness.sandbox.clinical_parameters import CLINICAL
from harness.sandbox.financial_parameters import FINANCIAL
from harness.sandbox.parameters import COLUMN_PARAMETERS, PARAMETERS


def test_a_type_stands_in_one_table_only():
    assert len(ADMINISTRATIVE) + len(CLINICAL) + len(FINANCIAL) == len({*ADMINISTRATIVE, *CLINICAL, *FINANCIAL})
    assert set(PARAMETERS) == {*ADMINISTRATIVE, *CLINICAL, *FINANCIAL, "Binary"}


def test_every_resource_is_found_by_its_tag_and_all_but_binaries_by_an_identifier_of_theirs():
    assert all("_tag" in own for own in PARAMETERS.values())
    assert {kind for kind, own in PARAMETERS.items() if "identifier" not in own} == {"Binary"}


def test_no_table_shadows_what_is_common_to_all_types():
    common = {"identifier", "_tag", "_profile", "_security", *COLUMN_PARAMETERS}
    assert not [kind for kind, own in {**ADMINISTRATIVE, **CLINICAL, **FINANCIAL}.items() if common & set(own)]


def test_a_reference_has_one_path_and_only_references_have_targets():
    for kind, own in PARAMETERS.items():
        for name, parameter in own.items():
            assert parameter.paths, (kind, name)
            if parameter.kind == "reference":
                assert len(parameter.paths) == 1, (kind, name)
            else:
                assert parameter.targets == (), (kind, name)
