"""YAML is read as PyYAML reads it, or refused where two people may mean different things."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from batsort_files import strict_yaml
from batsort_files.strict_yaml import DEEPEST, LARGEST, MOST_ALIASED, YamlError, parse
from batsort_files.yaml_words import dumped

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True, scope="module")
def parser(request):
    """Each promise holds for the parser in C and for the one in Python."""
    if not hasattr(yaml, request.param):
        pytest.skip("PyYAML has no parser in C here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_yaml, "LOADER", getattr(yaml, request.param))
        yield


def refusal(text: str | bytes) -> tuple[int, str]:
    with pytest.raises(YamlError) as refused:
        parse(text)
    assert "\n" not in str(refused.value)
    return refused.value.line, str(refused.value)


def test_a_key_given_twice_is_refused_with_both_values_and_lines() -> None:
    line, told = refusal("types:\n  Klarus: klarus\n  GP: gp\n  Klarus: others\n")
    assert line == 4
    assert told == (
        "types.Klarus: given twice, 'klarus' in line 2 and again 'others' in line 4; allowed: once"
    )


@pytest.mark.parametrize("text", ["1: a\n1.0: b", "a: 1\n'a': 2", "x: &k a\na: 1\n*k : 2"])
def test_keys_that_are_equal_are_the_same_key(text: str) -> None:
    assert "given twice" in refusal(text)[1]


def test_a_key_that_hides_one_it_merges_is_refused() -> None:
    line, told = refusal("x: &x\n  a: 1\ny:\n  <<: *x\n  a: 2\n")
    assert (line, told) == (
        5,
        "y.a: given twice by a merge, 1 in line 2 and 2 in line 5; allowed: once",
    )


def test_two_merged_maps_with_the_same_key_are_refused() -> None:
    line, told = refusal("x: &x {a: 1}\ny: &y {a: 2}\nz: {<<: [*x, *y]}\n")
    assert (line, told) == (
        3,
        "z.a: given twice by a merge, 2 in line 2 and 1 in line 1; allowed: once",
    )


def test_what_hides_nothing_is_merged_in_the_order_of_pyyaml() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {c: 3}\nz: {d: 4, <<: [*x, *y], e: 5}\n"
    made = parse(text).value
    assert made == yaml.safe_load(text)
    assert list(made["z"]) == list(yaml.safe_load(text)["z"])


def test_a_merge_of_what_is_no_map_is_refused() -> None:
    assert refusal("a:\n  <<: 3\n") == (
        2,
        "a.<<: 3 is refused; allowed: a map, or a list of maps",
    )


def test_a_second_document_is_refused() -> None:
    assert refusal("a: 1\n---\na: 2\n") == (2, "document: another begins in line 2; allowed: one")


@pytest.mark.parametrize("key", ["on", "Yes", "true", "~", "null"])
def test_a_key_that_yaml_takes_for_no_text_is_refused(key: str) -> None:
    assert refusal(f"a: 1\n{key}: 2\n") == (
        2,
        f"document: {key} is refused as a key; allowed: '{key}', a text",
    )


@pytest.mark.parametrize("key", ["? ", "? [a]", "? {a: 1}"])
def test_a_key_that_is_nothing_a_list_or_a_map_is_refused(key: str) -> None:
    assert refusal(f"{key}\n: 1\n")[1].endswith("allowed: a text or a number")


def test_a_word_that_is_read_otherwise_than_it_looks_is_refused_where_it_stands() -> None:
    assert refusal("belt:\n  speeds: [1,\n    1e-4]\n") == (
        3,
        "belt.speeds[1]: 1e-4 is refused, since YAML reads it as a text; allowed: 1.0e-4 or '1e-4'",
    )


@pytest.mark.parametrize("word", ["yes", "010", "1e-4", "12:30", "2024-01-01", "1_000", "<<"])
def test_what_is_in_quotes_is_never_refused(word: str) -> None:
    text = f"'{word}': '{word}'\nb: \"{word}\"\nc: |-\n  {word}\nd: !!str {word}\n"
    assert parse(text).value == {word: word, "b": word, "c": word, "d": word}


@pytest.mark.parametrize("tag", ["!!float", "!!python/object:os.system", "!mine", "!!set"])
def test_a_tag_is_refused(tag: str) -> None:
    line, told = refusal(f"a: 1\nb: {tag} {{}}\n")
    assert line == 2
    assert told.startswith("document: tag ")
    assert told.endswith(" at b is refused; allowed: YAML without tags")


def test_what_is_no_yaml_is_refused_with_its_line() -> None:
    line, told = refusal("a: 1\nb: [1\nc: 2\n")
    assert line == 3
    assert told.startswith("document: can't be read, this is no YAML (")


@pytest.mark.parametrize("data", [b"a: 1\nb: \x00", b"a: 1\nb: \xff"])
def test_bytes_that_are_no_text_are_refused_with_their_line(data: bytes) -> None:
    assert refusal(data)[0] == 2


def test_what_is_too_deep_is_refused_before_it_overflows() -> None:
    parse("[" * DEEPEST + "]" * DEEPEST)
    assert refusal("[" * 100_000)[1].startswith("document: too deep")


def test_aliases_do_not_make_a_document_deeper() -> None:
    deep = DEEPEST // 2 + 2
    text = f"a: &a {'[' * deep}{']' * deep}\nb: {'[' * deep}*a{']' * deep}\n"
    assert refusal(text)[0] == 2


def test_aliases_that_stand_for_too_much_are_refused() -> None:
    line, told = refusal(BOMB)
    assert line == 6
    assert told.endswith(f"allowed: aliases that stand for up to {MOST_ALIASED} values together")


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: *b\n"])
def test_an_alias_of_what_has_not_ended_before_is_refused(text: str) -> None:
    assert refusal(text)[1].endswith("allowed: an anchor that ends before")


def test_an_anchor_given_twice_is_refused() -> None:
    assert refusal("a: &a 1\nb: &a 2\n") == (2, "b: anchor &a is given twice; allowed: once")


def test_what_is_too_large_is_refused() -> None:
    assert refusal(b"#" * (LARGEST + 1))[1].endswith("allowed: up to 16 MiB")


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~\n"])
def test_a_file_without_a_document_is_nothing(text: str) -> None:
    assert parse(text).value is None


@pytest.mark.parametrize(
    ("refused", "line"),
    [
        ("bins[1].name: 'a' is taken", 7),
        ("bins[1].capacity: missing", 6),
        ("bins[7]: missing", 4),
        ("types.a.b: 3 is refused", 10),
        ("types.a: 1 is refused", 9),
        ("types.ab: unknown field", 8),
        ("name: missing", 2),
        ("document: [] is refused", 2),
    ],
)
def test_a_refusal_is_found_at_the_longest_field_that_it_begins_with(
    refused: str, line: int
) -> None:
    text = "# first\nuse: &u\n  - b\nbins:\n  - {name: x}\n  - valve: 3\n    name: y\n"
    assert parse(f"{text}types:\n  a: 1\n  a.b: 3\n").line(refused) == line


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
keys = st.text() | st.integers()
documents = st.recursive(
    plain, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20
)


@given(documents, st.sampled_from([None, True, False]))
def test_what_is_dumped_is_read_again(document: Any, flow: bool | None) -> None:
    text = dumped(document, default_flow_style=flow)
    assert parse(text).value == document == yaml.safe_load(text)


@given(documents)
def test_what_pyyaml_dumps_is_read_as_it_was_or_refused_as_odd(document: Any) -> None:
    text = yaml.safe_dump(document)
    try:
        assert parse(text).value == document
    except YamlError as error:
        assert "since YAML reads it as a text; allowed: " in str(error)
        assert text != dumped(document)


@given(st.text(alphabet="ab:{}[]\n -&*!01_.eEx'\"<~yno?|>", max_size=40) | st.binary(max_size=40))
def test_whatever_is_given_is_read_as_pyyaml_does_or_refused_in_a_line(text: str | bytes) -> None:
    try:
        value = parse(text).value
    except YamlError as error:
        assert "\n" not in str(error)
    else:
        assert repr(value) == repr(yaml.load(text, strict_yaml.LOADER))
