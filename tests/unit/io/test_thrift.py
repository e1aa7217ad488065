"""Thrift's compact protocol: bytes written by hand after its specification."""

import pytest

from nextstat_core.io.containers.thrift import Reader


def read(content, wanted):
    return Reader(bytes(content)).struct(wanted)


def test_numbers_are_zigzag_in_groups_of_seven_bits():
    # Field 1, i32: 300 is 600 in zigzag, 0xd8 0x04; field 2, i64: -3 is 5.
    assert read([0x15, 0xD8, 0x04, 0x16, 0x05, 0x00], {1: None, 2: None}) == {1: 300, 2: -3}


def test_fields_that_are_not_wanted_are_skipped():
    # Text, a double, a truth value, a struct with a byte, a list of two texts; then field 20.
    content = [
        *(0x18, 0x02, 0x61, 0x62),
        *(0x17, *range(8)),
        0x11,
        *(0x1C, 0x13, 0x07, 0x00),
        *(0x19, 0x28, 0x01, 0x61, 0x01, 0x62),
        *(0x05, 0x28, 0x02),
        0x00,
    ]
    assert read(content, {20: None}) == {20: 1}


def test_structs_and_lists_are_read_where_they_are_wanted():
    # Field 1: a list of two structs, each with its field 2, a byte; field 3: a list of truths.
    content = [0x19, 0x2C, 0x23, 0x05, 0x00, 0x23, 0x06, 0x00, 0x29, 0x21, 0x01, 0x02, 0x00]
    assert read(content, {1: {2: None}, 3: None}) == {1: [{2: 5}, {2: 6}], 3: [1, 2]}


def test_the_position_is_behind_the_struct():
    reader = Reader(bytes([0x13, 0x07, 0x00, 0xFF]))
    reader.struct({})
    assert reader.at == 3


@pytest.mark.parametrize(
    "content",
    [[], [0x15], [0x15, 0x80], [0x18, 0x05, 0x61], [0x19, 0xF3, 0xFF, 0x7F], [0x17, 0x00]],
    ids=["nothing", "number", "long number", "text", "list", "double"],
)
def test_what_ends_too_early_is_an_index_error(content):
    with pytest.raises(IndexError):
        read(content, {1: None})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([0x1C] * 100, "nested too deeply"),
        ([0x19, 0x19] * 100, "nested too deeply"),
        ([0x1E], "unknown type 14"),
        ([0x15, *[0xFF] * 12], "more than 64 bits"),
    ],
    ids=["structs", "lists", "type", "number"],
)
def test_what_is_damaged_is_a_value_error(content, message):
    with pytest.raises(ValueError, match=message):
        read(content, {})
