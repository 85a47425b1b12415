"""What a site says of itself, as far as no single value can tell: its address, its locale, the bounds that hold."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import InputError, Problem, shortened
from harness.scenario.shape import METRICS
from harness.scenario.source_addresses import ADDRESS_EXAMPLE
from harness.scenario.suggest import suggest
from harness.scenario.tree import Node
from harness.target import parse_target

__all__ = [
    "endpoint_problems",
    "identifier_system_problems",
    "locale_problems",
    "site_problems",
    "source_address_problems",
]

_WRITTEN = {metric: written for written, (metric, _) in METRICS.items()}
_RATES = frozenset({"error_rate", "failed_workflow_rate"})


def site_problems(root: Node, written: Node) -> Iterable[Problem]:
    """Every such problem of a shaped scenario; `written` is the tree before, in which bounds still have their units."""
    for site, as_written in zip(root.get("sites").items, written.get("sites").items, strict=False):
        checks = (
            ("locale", locale_problems),
            ("endpoint", endpoint_problems),
            ("source_address", source_address_problems),
            ("identifier_system", identifier_system_problems),
        )
        for key, problems in checks:
            node = site.get(key)
            if isinstance(node.value, str):
                yield from problems(node.value, node.where)
        yield from _bounds(root, site, as_written.get("bounds"))


def locale_problems(locale: str, where: str) -> Iterable[Problem]:
    """Names of people come from Faker, which has them for some locales."""
    if locale not in (known := _known_locales()):
        yield Problem(f"unknown locale '{locale}'", where, suggest(locale, known))


def endpoint_problems(url: str, where: str) -> Iterable[Problem]:
    """The form of a base URL; whether load may be put on its host is asked once it is known who plays."""
    try:
        host = (urlsplit(url.strip()).hostname or "").rstrip(".")
        parse_target(url, i_own=[host], where=where)
    except InputError as error:
        yield from error.problems
    except ValueError:
        yield Problem("the endpoint is not a URL", where, "write scheme, host and base path")


def source_address_problems(address: str, where: str) -> Iterable[Problem]:
    """Its form; whether this machine has it is asked before a run."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        yield Problem(f"'{shortened(address)}' is no IP address", where, f"write {ADDRESS_EXAMPLE}")


def identifier_system_problems(system: str, where: str) -> Iterable[Problem]:
    """It stands in searches as `system|value`."""
    if not system or any(letter.isspace() or letter in "|,\\" for letter in system):
        what = f"'{system}' is no identifier system"
        yield Problem(what, where, "write the URI that the record numbers are of, such as https://ehr.example.org/mrn")


def _bounds(root: Node, site: Node, as_written: Node) -> Iterable[Problem]:
    objectives = {str(one.get("id").value): one for one in root.get("objectives").items}
    of_sites = [name for name, one in objectives.items() if one.get("scope").value == "each-site"]
    for name, bound in site.get("bounds").fields.items():
        if name not in objectives:
            yield Problem(f"a bound for '{name}', which is no objective here", bound.where, suggest(name, of_sites))
            continue
        scope, metric = objectives[name].get("scope").value, str(objectives[name].get("metric").value)
        if scope != "each-site" and isinstance(scope, str):
            what = f"a site's bound for '{name}', which is an objective of {scope}"
            yield Problem(what, bound.where, suggest(name, of_sites))
        elif isinstance(bound.value, (int, float)) and metric in _WRITTEN:
            as_share = str(as_written.get(name).value).endswith("%")
            if as_share != (metric in _RATES):
                example = "1%" if metric in _RATES else "1500ms or 2s"
                given = "share" if as_share else "time"
                what = f"the bound for '{name}' is a {given}, but the objective is about {_WRITTEN[metric]}"
                yield Problem(what, bound.where, f"write it as {example}")


@cache
def _known_locales() -> tuple[str, ...]:
    """Locales that Faker has names for; found without importing it, which takes longer than all else here."""
    spec = find_spec("faker")
    folder = Path(str(spec.origin)).parent / "providers" / "person" if spec else Path()
    return tuple(sorted(path.name for path in folder.glob("[a-z]*_*") if path.is_dir()))
