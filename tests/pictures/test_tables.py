"""Tables on the screen."""

import pytest

from gan_jax.pictures.tables import plain_table

HEADING = ["", "Fréchet ↓", "recall ↑", "critic ↓"]
ROWS = [["real", "0.07", "0.855", "0.5"], ["one class left out", "4.92", "0.767", "0.54"]]


def test_plain_table_aligns_names_to_the_left_and_numbers_to_the_right():
    assert plain_table(HEADING, ROWS, width=100).splitlines() == [
        "                    Fréchet ↓  recall ↑  critic ↓",
        "real                     0.07     0.855       0.5",
        "one class left out       4.92     0.767      0.54",
    ]


@pytest.mark.parametrize(("width", "parts"), [(49, 1), (48, 2), (38, 2), (37, 3), (1, 3)])
def test_plain_table_continues_below_where_the_screen_ends(width, parts):
    text = plain_table(HEADING, ROWS, width=width)
    assert width < 29 or max(map(len, text.splitlines())) <= width
    found = [part.splitlines() for part in text.split("\n\n")]
    assert len(found) == parts
    assert all(part[2].startswith("one class left out  ") for part in found)
    assert sorted(" ".join(part[2][18:] for part in found).split()) == ["0.54", "0.767", "4.92"]


def test_plain_table_wraps_the_last_column_of_words():
    rows = [["r1", "a penalty on the gradient of D at the reals"], ["none", ""]]
    assert plain_table(["recipe", "what it is"], rows, numbers=False, width=38).splitlines() == [
        "recipe  what it is",
        "r1      a penalty on the gradient of D",
        "        at the reals",
        "none",
    ]


def test_plain_table_has_the_width_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "48")
    assert plain_table(HEADING, ROWS) == plain_table(HEADING, ROWS, width=48)
