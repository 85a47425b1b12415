"""A slip of the pen in a workflow, told in the words of whoever reads it."""

from __future__ import annotations

from difflib import get_close_matches

from harness.errors import shortened

__all__ = ["NotThere", "not_there"]


class NotThere(AttributeError):  # noqa: N818 (what is wrong is the workflow, as with StepFailed)
    """Asked of a clinician or her world that she has not: a slip of the pen in a workflow. Says what is meant."""


def not_there(whose: str, of: object, name: str) -> NotThere:
    """The error for `of.name`, in the words of whoever reads the workflow; class names of ours tell her nothing."""
    close = get_close_matches(name, [known for known in dir(of) if not known.startswith("_")], n=1)
    meant = f"; did you mean `{close[0]}`?" if close else ""
    return NotThere(f"{whose} has no `{shortened(name)}`{meant}", name=name, obj=of)
