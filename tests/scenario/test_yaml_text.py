"""YAML's quirks: what is read as what, what is refused, and that writing and reading are inverse."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.scenario import yaml_text
from simulator.scenario.document import Place


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10:30", "10:30"),
        ("09:00-18:00", "09:00-18:00"),
        ("2027-04-01", "2027-04-01"),
        ("2027-04", "2027-04"),
        ("1e3", 1000.0),
        ("1.5e-3", 0.0015),
        ("900_000", 900_000),
        ("4_200_000.5", 4_200_000.5),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("1_", "1_"),
        ("_1", "_1"),
        ("1__0", "1__0"),
        ("80% in 20 s", "80% in 20 s"),
        ("=", "="),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    data = yaml_text.read(f"a: {text}").data
    assert data == {"a": value}
    assert type(data["a"]) is type(value)


def test_every_value_knows_its_line() -> None:
    found = yaml_text.read("a:\n  b: [1,\n    2]\n  c: x\n# note\nd: {e: 1}\n", "f.yaml")
    assert found.places[("a", "b")] == Place("f.yaml", 2)
    assert found.places[("a", "b", 1)] == Place("f.yaml", 3)
    assert found.places[("a", "c")] == Place("f.yaml", 4)
    assert found.places[("d", "e")] == Place("f.yaml", 6)


def test_nothing_written_differs_from_null() -> None:
    found = yaml_text.read("a:\nb: null\n")
    assert found.data == {"a": None, "b": None}
    assert found.blank == {("a",)}


def test_aliases_repeat_the_value() -> None:
    found = yaml_text.read("a: &x {b: [1, 2]}\nc: *x\nd: [&y 3, *y]\n")
    assert found.data == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": [3, 3]}
    assert found.places[("c",)].line == 2


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a", "the key is given twice"),
        ("x:\n  a: {b: 1, b: 1}\n", 2, "x.a.b", "the key is given twice"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "c.<<", "merge keys are not read"),
        ("a: !money 3\n", 1, "a", "tags have no meaning here"),
        ("a: !!str 3\n", 1, "a", "tags have no meaning here"),
        ("a: 1\n2027: x\n", 2, "2027", "a key must be text"),
        ("true: x\n", 1, "true", "a key must be text"),
        ("1e999: x\n", 1, "1e999", "a key must be text"),
        ("a: .inf\n", 1, "a", "a number must be finite"),
        ("a: [1, .NaN]\n", 1, "a.1", "a number must be finite"),
        ("a: 1e999\n", 1, "a", "a number must be finite"),
    ],
)
def test_small_faults_are_collected(text: str, line: int, path: str, message: str) -> None:
    (problem,) = yaml_text.read(text, "f.yaml").problems
    assert (problem.file, problem.line, problem.path, problem.message) == ("f.yaml", line, path, message)


def test_a_repeated_key_keeps_its_first_value() -> None:
    found = yaml_text.read("a: 1\nb: {c: 1}\na: {d: 3}\nb: 4\n")
    assert found.data == {"a": 1, "b": {"c": 1}}
    assert [p.found for p in found.problems] == ["first on line 1", "first on line 2"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: [1, 2\nb: 3\n", 2, "no YAML: while parsing a flow sequence did not find expected ',' or ']'"),
        ("a: 1\n b: 2\n", 2, "no YAML: mapping values are not allowed in this context"),
        ("a: 1\nb: \x00\n", 2, "no YAML: control characters are not allowed"),
        ("a: 1\n---\nb: 2\n", 2, "a second document starts here"),
        ("? [a]\n: b\n", 1, "a list or mapping stands where a name is needed"),
        ("a: &x [*x]\n", 1, "the alias *x has no anchor that ended before it"),
        ("a: *nothing\n", 1, "the alias *nothing has no anchor that ended before it"),
        ("a: &x b\n*x : c\n", 2, "an alias stands where a name is needed"),
    ],
)
def test_unreadable_text_is_refused(text: str, line: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        yaml_text.read(text, "f.yaml")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("f.yaml", line)
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "- " * 20_000, "{a: " * 50_000, "a:\n" + "".join(" " * i + "a:\n" for i in range(1, 900))]
)
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError, match="too deep"):
        yaml_text.read(text)
    # libyaml alone takes half a minute for the first of these; a second leaves room for a busy machine
    assert time.perf_counter() - start < 1.0


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines)


def test_an_alias_bomb_is_refused_before_it_is_expanded() -> None:
    assert yaml_text.read(bomb(4)).data["a3"][9][9][9][9] == "x"
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        yaml_text.read(bomb(30), "bomb.yaml")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("bomb.yaml", 5)
    assert problem.message == "too many values once aliases are expanded"
    assert str(yaml_text.MAXIMUM_VALUES) in str(problem.allowed)
    # 10^30 values could not even be counted one by one
    assert time.perf_counter() - start < 1.0


def test_text_that_is_not_utf8_names_the_line() -> None:
    with pytest.raises(InputError) as caught:
        yaml_text.decode(b"a: 1\nb: caf\xe9\n", "f.yaml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.found) == (2, "the byte 0xe9")
    assert yaml_text.decode("\ufeffa: 1".encode(), None) == "a: 1"


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=12)
    | st.sampled_from(
        ["1e3", "900_000", "10:30", "no", "0x1F", "~", "", " x ", "- a", "a: b", "# c", "<<", "2027-04-01", "\x85"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), plain, max_size=5))
@settings(max_examples=80, deadline=None)
def test_what_is_written_is_read_back(data: dict[str, object]) -> None:
    found = yaml_text.read(yaml_text.write(data))
    assert found.problems == ()
    assert found.data == data
    assert repr(found.data) == repr(data)  # 1 is not 1.0, and the order is kept


@given(st.text(st.sampled_from("ab1:-,?*&!|>{}[]'\"#% \n\t~<="), max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    problems = 0
    try:
        found = yaml_text.read(text)
    except InputError as error:
        problems = len(error.problems)
    assert problems or found.places or found.data is None
