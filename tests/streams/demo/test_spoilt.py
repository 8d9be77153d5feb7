"""Bad records: each kind becomes the dead letter that it says."""

from schemas.codes import CODES
from streams.demo.expected import Expected
from streams.demo.spoilt import KINDS, OVERSIZED_BYTES


def test_every_bad_record_becomes_the_dead_letter_that_its_kind_says(records, accounts):
    found = set()
    for record in records:
        taken = Expected(accounts)
        taken.take(record)
        if record.note != "bad":
            assert not taken.dead_letters, record
            continue
        kind = KINDS[record.kind]
        assert taken.dead_letters == {(kind.field, kind.code): 1}, kind.name
        found.add(kind.name)
    assert found == {kind.name for kind in KINDS}


def test_every_code_that_a_record_can_get_is_among_them():
    # What no sender of interactions can bring about by itself stands in its own tests.
    assert {kind.code for kind in KINDS} == set(CODES) - {"unknown_type", "not_event", "refused"}


def test_one_record_is_far_too_large_and_only_one(records):
    assert sum(len(record.value or b"") > OVERSIZED_BYTES for record in records) == 1


def test_a_bad_record_has_its_session_s_key_unless_the_key_is_what_is_wrong(records):
    keys = {record.key for record in records if not record.note}
    for record in records:
        if record.note == "bad" and KINDS[record.kind].field != "key":
            assert record.key in keys
