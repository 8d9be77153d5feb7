"""Parquet: its rows are the records that they were made of, whatever a warehouse made of the fields."""

import json

import duckdb
import pytest

from schemas.decoding import decode_interaction
from schemas.interaction import Interaction
from streams.replay.errors import BadInput
from streams.replay.inputs import inputs_of, pieces
from streams.replay.parquet import write_parquet
from streams.replay.places import place
from tests.streams.replay.replays import AS_OF_MS, LINES, reference, replayed

ANY_TIME = 1 << 62


def parquet(path, select):
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return str(path)


def records(name, **how):
    return [(place(seq)[1], value) for piece in pieces(inputs_of([name]), **how) for seq, value in piece.lines()]


def record(tmp_path, fields):
    """The only record of a file with these columns."""
    ((line, value),) = records(parquet(tmp_path / "in.parquet", f"SELECT {fields}"))
    assert line == 1
    decoded = decode_interaction(value, ANY_TIME)
    assert isinstance(decoded, Interaction), decoded
    return decoded


@pytest.mark.parametrize(
    "timestamp",
    [
        "TIMESTAMP '2025-03-01 12:00:00.25'",
        "TIMESTAMPTZ '2025-03-01 13:00:00.25+01'",
        "TIMESTAMP_MS '2025-03-01 12:00:00.25'",
        "TIMESTAMP_NS '2025-03-01 12:00:00.25'",
        "'2025-03-01T12:00:00.25Z'",
        "1740830400250",
        "1740830400250.0",
    ],
)
def test_a_time_is_that_time_however_the_column_holds_it(tmp_path, timestamp):
    found = record(tmp_path, f"'box_closed' AS type, 'a' AS account_id, 's' AS session_id, {timestamp} AS timestamp")
    assert int(found.timestamp) == 1_740_830_400_250_000


@pytest.mark.parametrize(
    "page",
    [
        """{'url': 'https://a.example/', 'measurement_ids': ['G-1']}""",
        """'{"url":"https://a.example/","measurement_ids":["G-1"]}'""",
    ],
)
def test_a_nested_field_is_a_struct_or_json(tmp_path, page):
    found = record(
        tmp_path,
        "'feedback_given' AS type, 'a' AS account_id, 's' AS session_id, 1740830400250 AS timestamp, "
        f"5.0 AS rating, NULL::VARCHAR AS text, {page} AS page, MAP {{'x': 1}} AS of_no_interest",
    )
    assert (found.page.url, found.page.measurement_ids) == ("https://a.example/", ("G-1",))
    assert found.rating == 5


def test_a_rating_that_is_no_whole_number_stays_what_it_is(tmp_path):
    fields = (
        "'feedback_given' AS type, 'a' AS account_id, 's' AS session_id, 1740830400250 AS timestamp, 4.5  AS rating"
    )
    ((_, value),) = records(parquet(tmp_path / "in.parquet", f"SELECT {fields}"))
    assert decode_interaction(value, ANY_TIME).field == "rating"


@pytest.mark.parametrize("rating", ["'NaN'", "'Infinity'", "1e300", "-1e19"])
def test_a_number_that_is_none_is_the_fault_of_its_row_alone(tmp_path, rating):
    fields = "'feedback_given' AS type, 'a' AS account_id, 's' AS session_id, 1740830400250 AS timestamp"
    rows = " UNION ALL ".join(f"SELECT {fields}, {each}::DOUBLE AS rating" for each in (rating, "5"))
    first, second = (
        decode_interaction(value, ANY_TIME) for _, value in records(parquet(tmp_path / "in.parquet", rows))
    )
    assert first.field == "rating"
    assert second.rating == 5


def test_a_file_of_large_groups_of_rows_is_read_in_bounded_memory(tmp_path):
    text = "repeat(chr(97 + CAST(i % 26 AS INT)), 400) || hash(i)"
    fields = (
        f"'t' AS type, 'a' AS account_id, 's' || i AS session_id, 1 AS timestamp, {text} AS text, {text} AS language"
    )
    how = "FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE 250000"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {fields} FROM range(250000) t(i)) TO '{tmp_path}/in.parquet' ({how})")
    assert sum(1 for _ in records(str(tmp_path / "in.parquet"))) == 250_000


def test_many_events_of_long_texts_are_written_in_bounded_memory(tmp_path):
    event = json.loads(reference(LINES[:400])[0])
    with (tmp_path / "events.jsonl").open("wb") as file:
        for number in range(150_000):
            page = {"url": f"https://a.example/{number}?" + "x" * 1_000, "title": None, "referrer": None}
            file.write(json.dumps({**event, "page": page}).encode() + b"\n")
    write_parquet(tmp_path / "events.jsonl", tmp_path / "events.parquet")
    with duckdb.connect() as connection:
        count = connection.execute(
            "SELECT count(*) FROM read_parquet(?)", [str(tmp_path / "events.parquet")]
        ).fetchone()
    assert count == (150_000,)


def test_records_as_they_stand_are_a_column_of_their_own(tmp_path):
    rows = [{"value": line.decode(), "kafka_offset": 7} for line in LINES[:500] if is_utf8(line)]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(json.dumps(row).encode() for row in rows))
    for kind in ("VARCHAR", "BLOB"):
        value = "value" if kind == "VARCHAR" else "encode(value) AS value"
        name = parquet(tmp_path / "in.parquet", f"SELECT {value}, kafka_offset FROM read_json('{tmp_path}/in.jsonl')")
        assert [value for _, value in records(name)] == [row["value"].encode() for row in rows]


def is_utf8(line):
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


TEXTS = (
    "type account_id session_id visitor_id user_id interaction_id conversation_id tab_id user_agent language via text "
    "button in_reply_to"
)
COLUMNS = {
    **dict.fromkeys(TEXTS.split(), "VARCHAR"),
    **dict.fromkeys(("timestamp", "page", "ga", "consent", "automation", "agent", "goal", "rating"), "JSON"),
    **dict.fromkeys(("online", "is_back"), "BOOLEAN"),
}


def fits(record):
    """Whether it fits in columns: a record may hold anything in the fields of another type, or a field twice."""
    kinds = {"VARCHAR": (str, type(None)), "BOOLEAN": (bool, type(None)), "JSON": object}
    fitting = all(name in COLUMNS and isinstance(value, kinds[COLUMNS[name]]) for name, value in record)
    return fitting and len(dict(record)) == len(record)


def test_a_replay_of_parquet_is_that_of_the_same_lines(tmp_path):
    usual = [line for line in LINES if isinstance(decode_interaction(line, AS_OF_MS * 1_000), Interaction)]
    plain = [line for line in usual if fits(json.loads(line, object_pairs_hook=list))]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(plain))
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    select = f"SELECT * FROM read_json('{tmp_path}/in.jsonl', format = 'newline_delimited', columns = {{{columns}}})"
    events, _, tally = replayed(tmp_path, [], inputs=(parquet(tmp_path / "in.parquet", select),))
    assert tally.interactions == len(plain) > 1_000
    assert events == reference(plain)


def test_pieces_are_no_larger_than_asked_and_progress_ends_with_the_file(tmp_path):
    name = parquet(
        tmp_path / "in.parquet",
        "SELECT 'box_closed' AS type, 'a' AS account_id, 's' || i AS session_id, 1 AS timestamp FROM range(10000) t(i)",
    )
    told = []
    found = list(pieces(inputs_of([name]), chunk_bytes=50_000, read=told.append))
    assert max(piece.size for piece in found) < 50_200
    assert [place(seq)[1] for piece in found for seq, _ in piece.lines()] == list(range(1, 10_001))
    assert sum(told) == (tmp_path / "in.parquet").stat().st_size


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("1 AS a, 'x' AS b", "no column type, account_id, timestamp, session_id or visitor_id: the columns are a, b"),
        ("'t' AS type, 'a' AS account_id, 1 AS timestamp", "no column session_id or visitor_id"),
    ],
)
def test_a_file_with_other_columns_is_told_which_are_missing(tmp_path, columns, says):
    with pytest.raises(BadInput, match=says):
        records(parquet(tmp_path / "in.parquet", f"SELECT {columns}"))


@pytest.mark.parametrize("cut", [slice(None, 40), slice(None, -10), slice(4, None)])
def test_a_file_that_is_damaged_is_told_in_one_line(tmp_path, cut):
    name = parquet(
        tmp_path / "in.parquet", "SELECT 'box_closed' AS type, 'a' AS account_id, 's' AS session_id, 1 AS timestamp"
    )
    (tmp_path / "in.parquet").write_bytes(b"PAR1" + (tmp_path / "in.parquet").read_bytes()[cut][4:])
    with pytest.raises(BadInput, match="Fetch it again") as caught:
        records(name)
    assert "\n" not in str(caught.value)


def test_a_type_that_no_schema_has_is_a_fault_of_ours(tmp_path):
    import msgspec

    with pytest.raises(TypeError):
        write_parquet(tmp_path / "x", tmp_path / "y", msgspec.defstruct("Odd", [("a", bytearray)]))
