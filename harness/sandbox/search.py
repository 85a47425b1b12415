"""From a query to the row numbers of its matches, in SQL.

The criterion with the fewest candidates (counted up to a bound) drives the search through its index; the others are
checked row by row.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.sandbox.dates import date_range
from harness.sandbox.extract import INDEX_OF, PARAMETER_NUMBER, folded, split_reference
from harness.sandbox.outcome import FhirError
from harness.sandbox.parameters import PARAMETERS
from harness.sandbox.query import Criterion, Query
from harness.sandbox.store import ReadSession

__all__ = ["MOST_CANDIDATES_AT_ONCE", "Plan", "matching_count", "matching_rids", "plan_search"]

MOST_CANDIDATES_AT_ONCE = 500
"""A search with more candidates than this is done beside the event loop (about 3 µs a candidate and criterion)."""

_FEW = 20  # a criterion with so few candidates is good enough to drive; the rest need not be counted
_PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
_COLUMNS = {"_lastUpdated": "r.updated_ms", "_id": "r.id"}
_HIGHEST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class _Condition:
    """SQL over one index (`table`, `parameter`) or, where `table` is empty, over the resource row itself."""

    table: str
    parameter: int
    sql: str
    arguments: tuple[object, ...]
    negated: bool = False
    selective: bool = True
    """An index leads straight to the rows, so its candidates can be counted and listed cheaply."""

    def listing(self, kind: str) -> tuple[str, tuple[object, ...]]:
        if self.table:
            rows = f'"{self.table}" WHERE parameter = ?'
            return f"SELECT rid FROM {rows} AND ({self.sql})", (self.parameter, *self.arguments)  # noqa: S608 (bound)
        rows = "resource r WHERE r.kind = ? AND r.deleted = 0"
        return f"SELECT rid FROM {rows} AND ({self.sql})", (kind, *self.arguments)  # noqa: S608 (values are bound)

    def check(self) -> tuple[str, tuple[object, ...]]:
        negation = "NOT " if self.negated else ""
        if not self.table:
            return f"{negation}({self.sql})", self.arguments
        inner = f'SELECT 1 FROM "{self.table}" e WHERE e.rid = r.rid AND e.parameter = ? AND ({self.sql})'  # noqa: S608
        return f"{negation}EXISTS ({inner})", (self.parameter, *self.arguments)


@dataclass(frozen=True, slots=True)
class Plan:
    """The SQL of a search, and whether it is short enough for the event loop."""

    rows: str
    order: str
    arguments: tuple[object, ...]
    order_arguments: tuple[object, ...]
    quick: bool


def matching_rids(session: ReadSession, plan: Plan) -> list[int]:
    sql = f"SELECT r.rid {plan.rows} ORDER BY {plan.order}"
    return [row[0] for row in session.connection.execute(sql, (*plan.arguments, *plan.order_arguments))]


def matching_count(session: ReadSession, plan: Plan) -> int:
    count: int = session.connection.execute(f"SELECT count(*) {plan.rows}", plan.arguments).fetchone()[0]
    return count


def plan_search(session: ReadSession, query: Query) -> Plan:
    """Raises FhirError 400 for a value that its parameter cannot take."""
    conditions = [_condition(query.kind, criterion) for criterion in query.criteria]
    driver, candidates = _driver(session, query.kind, conditions)
    rest = [condition for condition in conditions if condition is not driver]
    order, order_arguments = _order(query)
    arguments: list[object] = []
    if driver is None:
        source, where = "resource r", ["r.kind = ?", "r.deleted = 0"]
        arguments = [query.kind]
    else:
        listing, listed = driver.listing(query.kind)
        arguments = [*listed]
        needs_row = any(not condition.table for condition in rest) or any(name in _COLUMNS for name, _ in query.sort)
        if needs_row:
            # The unary plus keeps SQLite from walking all of a type: the driver's few rows come first.
            source, where = "resource r", [f"r.rid IN ({listing})", "+r.kind = ?", "+r.deleted = 0"]
            arguments.append(query.kind)
        else:
            # An index holds nothing but current versions of its type, so the resource's own row need not be looked at.
            source, where = f"(SELECT DISTINCT rid FROM ({listing})) r", ["1"]  # noqa: S608 (values are bound)
    for condition in rest:
        sql, checked = condition.check()
        where.append(sql)
        arguments.extend(checked)
    rows = f"FROM {source} WHERE {' AND '.join(where)}"
    return Plan(rows, order, tuple(arguments), tuple(order_arguments), candidates <= MOST_CANDIDATES_AT_ONCE)


def _driver(session: ReadSession, kind: str, conditions: list[_Condition]) -> tuple[_Condition | None, int]:
    fewest = MOST_CANDIDATES_AT_ONCE + 2
    # Better to walk one parameter's index than to check every resource of a type.
    best = next((condition for condition in conditions if condition.table and not condition.negated), None)
    for condition in sorted(conditions, key=lambda c: c.table not in ("", "reference")):
        if condition.negated or not condition.selective:
            continue
        listing, arguments = condition.listing(kind)
        bounded = f"SELECT count(*) FROM ({listing} LIMIT {MOST_CANDIDATES_AT_ONCE + 1})"  # noqa: S608
        candidates = session.connection.execute(bounded, arguments).fetchone()[0]
        if candidates < fewest:
            best, fewest = condition, candidates
        if fewest <= _FEW:
            break
    return best, fewest


def _order(query: Query) -> tuple[str, list[object]]:
    keys: list[str] = []
    arguments: list[object] = []
    for name, down in query.sort:
        direction = "DESC NULLS LAST" if down else "ASC NULLS LAST"
        if name in _COLUMNS:
            keys.append(f"{_COLUMNS[name]} {direction}")
        else:
            table = INDEX_OF[PARAMETERS[query.kind][name].kind]
            value = ("max(e.second)" if table == "date" else "max(e.key)") if down else "min(e.key)"
            keys.append(f'(SELECT {value} FROM "{table}" e WHERE e.rid = r.rid AND e.parameter = ?) {direction}')  # noqa: S608
            arguments.append(PARAMETER_NUMBER[query.kind, name])
    # Among equals the newest comes first where the order goes down: "the latest" means the one written last.
    keys.append("r.rid DESC" if query.sort and query.sort[0][1] else "r.rid")
    return ", ".join(keys), arguments


def _condition(kind: str, criterion: Criterion) -> _Condition:
    if criterion.name == "_id":
        marks = ",".join("?" * len(criterion.values))
        return _Condition("", 0, f"r.id IN ({marks})", criterion.values)
    if criterion.name == "_lastUpdated":
        parts = [_date_sql(value, "r.updated_ms", "r.updated_ms + 1") for value in criterion.values]
        return _Condition("", 0, *_any(parts), selective=all(narrow for _, _, narrow in parts))
    parameter = PARAMETERS[kind][criterion.name]
    table, number = INDEX_OF[parameter.kind], PARAMETER_NUMBER[kind, criterion.name]
    if criterion.chained is not None:
        return _chained(number, criterion.chained_kind, criterion.chained)
    if criterion.modifier == "missing":
        return _Condition(table, number, "1", (), negated=criterion.values == ("true",), selective=False)
    if parameter.kind == "string":
        parts = [_string_sql(_unescaped(value), criterion.modifier) for value in criterion.values]
    elif parameter.kind == "date":
        parts = [_date_sql(value, "key", "second") for value in criterion.values]
    elif parameter.kind == "reference":
        parts = [_reference_sql(value, criterion.modifier) for value in criterion.values]
    else:
        parts = [_token_sql(value) for value in criterion.values]
    narrow = all(part[2] for part in parts)
    return _Condition(table, number, *_any(parts), negated=criterion.modifier == "not", selective=narrow)


_Part = tuple[str, tuple[object, ...], bool]
"""SQL, its arguments, and whether an index leads to its rows."""


def _any(parts: list[_Part]) -> tuple[str, tuple[object, ...]]:
    return " OR ".join(f"({sql})" for sql, _, _ in parts), tuple(value for _, values, _ in parts for value in values)


def _chained(number: int, target_kind: str, criterion: Criterion) -> _Condition:
    condition = _condition(target_kind, criterion)
    if condition.negated:
        sql, arguments = condition.check()
        rows = f"r.kind = ? AND r.deleted = 0 AND {sql}"
        arguments = (target_kind, *arguments)
    else:
        sql, arguments = condition.listing(target_kind)
        rows = f"r.rid IN ({sql})"
    ids = f"SELECT r.id FROM resource r WHERE {rows}"  # noqa: S608 (values are bound)
    return _Condition("reference", number, f"key IN ({ids}) AND second = ?", (*arguments, target_kind))


def _token_sql(value: str) -> _Part:
    system, bar, code = value.rpartition("|")
    system, code = _unescaped(system), _unescaped(code)
    if not bar:
        return "key = ?", (code,), True
    if not code:
        return "second = ?", (system,), False
    return "key = ? AND second = ?", (code, system), True


def _reference_sql(value: str, target_kind: str) -> _Part:
    found_kind, resource_id = split_reference(value)
    if not found_kind and "/" in value:
        # An absolute address of ours ends in Type/id as well; one of another server is stored as it is.
        tail_kind, tail_id = split_reference("/".join(value.split("/")[-2:]))
        if tail_kind:
            return "key = ? OR (key = ? AND second = ?)", (value, tail_id, tail_kind), True
    kind = target_kind or found_kind
    return ("key = ? AND second = ?", (resource_id, kind), True) if kind else ("key = ?", (resource_id,), True)


def _string_sql(value: str, modifier: str) -> _Part:
    if modifier == "exact":
        return "key = ? AND second = ?", (folded(value), value), True
    if modifier == "contains":
        return "instr(key, ?) > 0", (folded(value),), False
    return "key >= ? AND key < ?", (folded(value), folded(value) + _HIGHEST), True


def _date_sql(value: str, low: str, high: str) -> _Part:
    """Two ranges compared as FHIR R4 defines the prefixes (search.html#prefix); both ends are exclusive."""
    prefix, text = (value[:2], value[2:]) if value[:2] in _PREFIXES else ("eq", value)
    try:
        start, end = date_range(text)
    except ValueError as error:
        raise FhirError(
            400, "value", f"a date in the search is wrong: {error}; prefixes: {', '.join(_PREFIXES)}"
        ) from error
    within = f"{low} >= ? AND {low} < ? AND {high} <= ?"
    match prefix:
        case "eq":
            return within, (start, end, end), True
        case "ne":
            return f"NOT ({within})", (start, end, end), False
        case "gt":
            return f"{high} > ?", (end,), False
        case "lt":
            return f"{low} < ?", (start,), False
        case "ge":
            return f"{high} > ? OR ({within})", (end, start, end, end), False
        case "le":
            return f"{low} < ? OR ({within})", (start, start, end, end), False
        case "sa":
            return f"{low} >= ?", (end,), False
        case _:
            return f"{high} <= ?", (start,), False


def _unescaped(value: str) -> str:
    for sign in ",|$\\":
        value = value.replace("\\" + sign, sign)
    return value
