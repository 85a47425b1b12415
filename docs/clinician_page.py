"""The page of what a workflow may ask of a clinician: every public method with its first sentence, from the code."""

from __future__ import annotations

import inspect
import re

from page_text import table

from harness.clinic.clinician import Clinician
from harness.clinic.found import Found
from harness.clinic.register import KnownPatient

__all__ = ["clinician_page"]

NOTE = "<!-- Written by docs/generate.py from harness/clinic/clinician.py. -->"


def clinician_page() -> str:
    facts, methods = [], []
    for name, member in vars(Clinician).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            facts.append((f"`{name}`", _sentence(member)))
        else:
            signature = re.sub(r"\bself(, )?|'", "", str(inspect.signature(member)).replace("''", '""'))
            methods.append((f"`{name}{bars_escaped(signature)}`", _sentence(member)))
    patient = ", ".join(f"`{name}`" for name in KnownPatient.__dataclass_fields__)
    found = ", ".join(f"`{name}`" for name, member in vars(Found).items() if isinstance(member, property))
    parts = [
        NOTE,
        "# What a clinician offers",
        "What a [workflow](your-workflow.md) may ask of the clinician that it is given. A `KnownPatient` has "
        f"{patient}; a `Found`, what a search gave, has {found}. A `Resource` is a dictionary, as R4 has it in JSON.",
        table(("fact", "what it is"), facts),
        table(("method", "what it does"), methods),
    ]
    return "\n\n".join(parts) + "\n"


def bars_escaped(text: str) -> str:
    """Of text that is Markdown already, in a table only the bar must be told from the cells' own."""
    return text.replace("|", "\\|")


def _sentence(member: object) -> str:
    text = inspect.getdoc(member) or ""
    return bars_escaped(" ".join(text.split("\n\n")[0].split()))
