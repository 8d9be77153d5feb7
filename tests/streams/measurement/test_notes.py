from hypothesis import example, given
from hypothesis import strategies as st

from streams.measurement.limits import Limit
from streams.measurement.notes import Notes, fit_bytes, fit_chars, fit_id

TEN = Limit("a text", 10, "characters", "here")
TEN_BYTES = Limit("a text", 10, "bytes", "here")
SIXTEEN = Limit("an id", 16, "characters", "here")
TEXTS = st.text(max_size=24)


def units(text):
    return len(text.encode("utf-16-le")) // 2


@given(TEXTS)
@example("x" * 10)
@example("x" * 11)
@example("😀" * 5)
@example("😀" * 5 + "x")
@example("x" + "😀" * 5)
def test_a_text_that_fits_is_as_it_was_and_one_that_does_not_is_cut_with_a_mark_and_a_note(text):
    notes = Notes("e1")
    fitted = fit_chars("label", text, TEN, notes)
    assert units(fitted) <= 10
    assert (fitted == text) is (units(text) <= 10)
    if fitted != text:
        assert fitted.endswith("…")
        assert text.startswith(fitted[:-1])
        assert units(fitted) >= 9  # no more is cut than need be, and half a character is none
    assert [str(note) for note in notes.taken] == (
        [] if fitted == text else ["label: shortened (a text has at most 10 characters)"]
    )


@given(TEXTS)
@example("é" * 5)
@example("é" * 6)
def test_bytes_are_cut_between_characters(text):
    notes = Notes("e1")
    fitted = fit_bytes("el", text, TEN_BYTES, notes)
    assert len(fitted.encode()) <= 10
    assert (fitted == text) is (len(text.encode()) <= 10) is (not notes.taken)
    if notes.taken:
        assert text.startswith(fitted[:-1])


@given(st.text("ab😀", max_size=24), st.text("ab😀", max_size=24))
@example("a" * 20, "a" * 21)
def test_two_ids_stay_two(one, other):
    fitted = [fit_id("id", text, SIXTEEN, Notes("e1")) for text in (one, other)]
    assert (fitted[0] == fitted[1]) is (one == other)
    assert all(units(text) <= 16 for text in fitted)
