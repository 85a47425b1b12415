"""Every error has its exit code and its way out, as the tree in the module's docstring draws them."""

from __future__ import annotations

import re

from harness import errors


def test_the_tree_in_the_docstring_is_the_tree_in_the_code():
    drawn = re.findall(r"^( *[│├└─ ]*)([A-Z]\w+) +(\d) ", errors.__doc__, re.MULTILINE)
    assert len(drawn) == 8
    above: dict[int, type] = {}
    for indent, name, code in drawn:
        known = getattr(errors, name)
        depth = len(indent)
        parents = [parent for level, parent in sorted(above.items()) if level < depth]
        assert known.exit_code == int(code), name
        assert issubclass(known, parents[-1] if parents else Exception), name
        above = {level: parent for level, parent in above.items() if level < depth} | {depth: known}
        assert name in errors.__all__


def test_a_problem_says_what_and_where_and_how_to_mend_it():
    problem = errors.Problem("unknown persona 'nurze'", "mine.yaml:14", "did you mean 'nurse'?")
    assert str(problem) == "mine.yaml:14: unknown persona 'nurze'\n    did you mean 'nurse'?"
    assert str(errors.Problem("nothing there")) == "nothing there"


def test_all_problems_of_an_input_are_told_at_once():
    one, other = errors.Problem("first", "a:1"), errors.Problem("second", "b:2")
    error = errors.ScenarioError([one, other], "see the manual")
    assert error.problems == (one, other)
    assert str(error) == "a:1: first\nb:2: second"
    assert (error.hint, error.exit_code) == ("see the manual", 2)
    assert errors.InputError(one).problems == (one,)


def test_what_an_error_repeats_is_short_and_on_one_line():
    assert errors.shortened("north-clinic") == "north-clinic"
    assert errors.shortened("früh") == "früh"
    assert errors.shortened("a\nb\x00\x1b[1m\u200b") == "a\\nb\\x00\\x1b[1m\\u200b"
    assert errors.shortened("x" * 81) == "x" * 79 + "…"
    assert len(errors.shortened("\n" * 1000, 40)) == 40


def test_exit_codes_are_those_that_programs_rely_on():
    codes = (errors.EXIT_PASS, errors.EXIT_FAIL, errors.EXIT_BAD_INPUT, errors.EXIT_INVALID, errors.EXIT_INTERNAL)
    assert codes == (0, 1, 2, 3, 4)
