"""Which resource types the server knows and by what they can be searched: type → parameter → kind and path.

Names, kinds and paths follow the search parameters of FHIR R4 (http://hl7.org/fhir/R4/searchparameter-registry.html).
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.sandbox.administrative_parameters import ADMINISTRATIVE
from harness.sandbox.clinical_parameters import CLINICAL
from harness.sandbox.financial_parameters import FINANCIAL
from harness.sandbox.search_parameter import SearchParameter, token

__all__ = ["COLUMN_PARAMETERS", "PARAMETERS"]

COLUMN_PARAMETERS: Mapping[str, str] = {"_id": "token", "_lastUpdated": "date"}
"""Parameters of every type that are columns of the resource table, not rows of an index."""

_EVERYWHERE = {"_tag": token("meta.tag"), "_profile": token("meta.profile"), "_security": token("meta.security")}
_IDENTIFIED = {**_EVERYWHERE, "identifier": token("identifier")}

PARAMETERS: Mapping[str, Mapping[str, SearchParameter]] = {
    **{kind: {**_IDENTIFIED, **own} for kind, own in {**ADMINISTRATIVE, **CLINICAL, **FINANCIAL}.items()},
    "Binary": _EVERYWHERE,
}
"""Every resource type the server stores, with its search parameters beside `_id` and `_lastUpdated`."""
