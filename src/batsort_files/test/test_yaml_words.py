"""Words without quotes are what they look like, or refused with what to write instead."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from batsort_files.yaml_words import OddWord, dumped, meaning


@pytest.mark.parametrize(
    ("word", "read_as", "allowed"),
    [
        ("1e-4", "a text", "1.0e-4 or '1e-4'"),
        ("1.5e3", "a text", "1.5e+3 or '1.5e3'"),
        ("2E6", "a text", "2.0e+6 or '2E6'"),
        ("-.5", "a text", "-0.5 or '-.5'"),
        ("08", "a text", "8 or '08'"),
        ("0o17", "a text", "15 or '0o17'"),
        ("010", "8", "10 or 8 or '010'"),
        ("0b101", "5", "5 or '0b101'"),
        ("1_000", "1000", "1000 or '1_000'"),
        ("1_0.5", "10.5", "10.5 or '1_0.5'"),
        ("0x1_f", "31", "31 or '0x1_f'"),
        ("12:30", "750", "750 or '12:30'"),
        ("1:30.5", "90.5", "90.5 or '1:30.5'"),
        ("yes", "true", "true or 'yes'"),
        ("No", "false", "false or 'No'"),
        ("on", "true", "true or 'on'"),
        ("OFF", "false", "false or 'OFF'"),
        ("2024-01-01", "a date", "'2024-01-01'"),
        ("2024-01-01 12:00:00", "a date", "'2024-01-01 12:00:00'"),
        ("=", "a value", "'='"),
        ("0x_", "a number without digits", "'0x_'"),
    ],
)
def test_an_odd_word_is_refused_with_what_it_is_read_as(
    word: str, read_as: str, allowed: str
) -> None:
    with pytest.raises(OddWord) as refused:
        meaning(word)
    told = f"{word} is refused, since YAML reads it as {read_as}; allowed: {allowed}"
    assert str(refused.value) == told


def test_a_number_with_more_digits_than_anybody_counts_is_refused() -> None:
    with pytest.raises(OddWord, match="a number of more than 400 digits"):
        meaning("9" * 5000)


@pytest.mark.parametrize(
    "word",
    [
        *("", "~", "null", "true", "FALSE", "0", "-7", "+3", "0x1F", "1.", ".5", "1.0e-4", "007.5"),
        *(".inf", "-.INF", "y", "n", "no way", "on-off", "24V", "1-2", "12:75", "08:15", "1.2.3"),
        *("ICR18650", "183ab38d2f", "127.0.0.1", "0.1.0", "+", "nothing", "Number", "1e", "e5"),
    ],
)
def test_all_other_words_are_what_pyyaml_reads(word: str) -> None:
    assert repr(meaning(word)) == repr(yaml.safe_load(word))


def test_what_is_no_number_is_one_all_the_same() -> None:
    assert math.isnan(meaning(".nan"))


@given(st.from_regex(r"[-+]?[0-9._eExob]{1,8}", fullmatch=True))
@example("...")
def test_a_number_is_what_pyyaml_reads_or_refused(word: str) -> None:
    try:
        value = meaning(word)
    except OddWord:
        return
    assert repr({"a": value}) == repr(yaml.safe_load(f"a: {word}"))


@given(st.from_regex(r"[-+]?[0-9._eExob:-]{1,8}", fullmatch=True))
def test_only_a_text_that_is_refused_is_written_otherwise_than_by_pyyaml(text: str) -> None:
    written = dumped({"a": text})
    assert yaml.safe_load(written) == {"a": text}
    try:
        odd = meaning(text) != text
    except OddWord:
        odd = True
    assert odd or written == yaml.safe_dump({"a": text})
