import json

import numpy as np
import pytest

from nextstat_core.errors import FormatError
from nextstat_core.io.decode import decode, describe, plain


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
        ('\ufeff{"a": 1}', {"a": 1}),
        ('{"a:b": "c:d", "e": {"a:b": ":"}}', {"a:b": "c:d", "e": {"a:b": ":"}}),
        (r'{"a\u003ab": 1, "\u003A": 2}', {"a:b": 1, ":": 2}),
        ('{"µ": "ü:"}', {"µ": "ü:"}),
    ],
)
def test_text_and_bytes_decode_alike(text: str, document: object) -> None:
    for source in (text, text.encode(), bytearray(text.encode())):
        decoded = decode(source)
        assert decoded.document == document
        assert decoded.problems == ()
        assert decoded.usable() == document


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ('{"channels": [{"name": "SR", "observed": NaN}]}', "channel 'SR', observed", "NaN"),
        (
            '{"channels": [{"name": "SR", "samples": [{"name": "b", "data": [1, Infinity]}]}]}',
            "channel 'SR', sample 'b', bin 1",
            "Infinity",
        ),
        ('{"a": [[1, -Infinity]]}', "a[0][1]", "Infinity"),
        ('{"observations": [{"name": "SR", "data": [1e400]}]}', "channel 'SR', bin 0", "too large"),
        ('{"version": 1, "version": 2}', "", "'version' occurs more than once"),
        ('{"version": ":", "version": 2}', "", "'version' occurs more than once"),
        (r'{"v\u003a": 1, "v\u003a": 2}', "", "'v:' occurs more than once"),
        (
            '{"channels": [{"name": "SR", "samples": [{"name": "b", "data": [1], "data": [2]}]}]}',
            "channel 'SR', sample 'b'",
            "'data' occurs more than once",
        ),
    ],
)
def test_what_is_no_json_number_or_repeats_a_key_is_located(
    text: str, place: str, found: str
) -> None:
    for source in (text, text.encode()):
        with pytest.raises(FormatError) as caught:
            decode(source).usable()
        assert place in str(caught.value)
        assert found in str(caught.value)


def test_all_odd_values_are_reported_at_once() -> None:
    assert len(decode('{"a": NaN, "b": [Infinity, 1], "a": NaN}').problems) == 3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "the text is empty"),
        (b" \n ", "the text is empty"),
        ('{"a": 1', "ends too early, at line 1, column 8"),
        ('{"a":\n  [1, 2,,]}', "line 2, column 9"),
        ('{"a": 1} trailing', "line 1, column 10"),
        ("analysis/workspace.json", "if this is a path"),
        ("<Combination>\n</Combination>", "this looks like XML"),
        (b'{"a":\n "\xff"}', "not UTF-8: byte 0xff in line 2"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"a": "\ud800"}', "surrogates not allowed"),
        ('{"a": ' + "9" * 5000 + "}", "4300 digits"),
        (b'{"a": "\x01"}', "Invalid control character"),
    ],
)
def test_text_that_is_no_json_is_refused_with_its_place(source: str | bytes, message: str) -> None:
    with pytest.raises(FormatError, match=r"(?s).*") as caught:
        decode(source).usable()
    assert message in str(caught.value)


def test_numbers_keep_their_bits() -> None:
    values = [0.1, 1e-300, 123456.789, 5e-324, 1.7976931348623157e308, -0.0]
    assert [value.hex() for value in decode(json.dumps(values)).document] == [
        value.hex() for value in values
    ]


def test_arrays_in_a_mapping_become_lists() -> None:
    document = plain({"a": np.arange(3.0), "b": np.int64(2), "c": (np.float64(1.5),)})
    assert json.loads(json.dumps(document)) == {"a": [0.0, 1.0, 2.0], "b": 2, "c": [1.5]}


def test_a_mapping_that_contains_itself_is_refused() -> None:
    document: dict[str, object] = {}
    document["a"] = document
    with pytest.raises(FormatError, match="contains itself"):
        plain(document)


@pytest.mark.parametrize("source", [None, 3, [1], object()])
def test_what_is_neither_text_nor_mapping_is_refused(source: object) -> None:
    with pytest.raises(FormatError, match="expected JSON text or a mapping"):
        decode(source)


def test_an_object_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(FormatError, match="what JSON cannot hold: a object"):
        plain({"a": object()})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true"),
        ("x" * 100, f"the string {'x' * 40!r}..."),
        (10**400, "a huge integer"),
        (1.5, "the number 1.5"),
        ({}, "an object"),
        ([1, 2], "a list of 2"),
        (b"x", "bytes"),
    ],
)
def test_findings_are_described_briefly(value: object, words: str) -> None:
    assert describe(value) == words
