"""Splices bring back every byte, and never cut a character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestone_cli.splice import apply, diff

texts = st.text(alphabet="aé€😀{}\n", max_size=40).map(str.encode)


@given(texts, texts)
def test_a_difference_applied_gives_the_new_text(old: bytes, new: bytes) -> None:
    splices = diff(old, new)
    assert apply(old, splices) == new
    assert (splices == []) == (old == new)


@given(texts, texts, texts)
def test_a_change_in_the_middle_costs_only_itself(start: bytes, middle: bytes, end: bytes) -> None:
    (*_, (_at, delete, insert)) = diff(start + end, start + middle + end) or [(0, 0, "")]
    assert len(insert.encode()) <= len(middle) + 3
    assert delete <= 3


def test_characters_that_share_bytes_are_replaced_whole() -> None:
    assert diff("é".encode(), "è".encode()) == [[0, 2, "è"]]
    assert diff("a€b".encode(), "a₭b".encode()) == [[1, 3, "₭"]]


def test_several_splices_refer_to_the_previous_text() -> None:
    assert apply(b"0123456789", [[1, 2, "x"], [5, 0, "yy"], [9, 1, ""]]) == b"0x34yy5678"


@pytest.mark.parametrize(
    "splices",
    [
        [[5, 1, ""]],
        [[-1, 1, ""]],
        [[0, 6, ""]],
        [[2, 1, "a"], [1, 1, "b"]],
        [[0, 2, "a"], [1, 1, "b"]],
        [[0, -1, ""]],
        [[0, 1]],
        [7],
        [["0", 1, ""]],
        [[0, True, ""]],
        [[0, 1, 2]],
    ],
)
def test_what_is_no_splice_is_refused(splices: list[list[object]]) -> None:
    with pytest.raises(ValueError, match="splice"):
        apply(b"1234", splices)
