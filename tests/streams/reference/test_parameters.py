"""The table of parameters is that of the parameters that are sent."""

import msgspec

from streams.measurement.ga4 import Params
from streams.reference.parameters import PARAMETERS
from streams.reference.tables import tables

MOST_DIMENSIONS = 50  # event-scoped, of a standard property: support.google.com/analytics/answer/14239696


def test_every_parameter_that_is_sent_has_its_row_and_no_other_has():
    assert [*PARAMETERS] == [field.name for field in msgspec.structs.fields(Params)]


def test_no_id_of_a_single_event_conversation_or_session_is_to_be_registered():
    many = {name for name, row in PARAMETERS.items() if row.many_values}
    assert {"event_id", "conversation_id", "chat_session_id", "automation_run_id"} <= many
    assert {name for name in many if PARAMETERS[name].register == "dimension"} == {"event_label"}


def test_what_is_to_be_registered_has_a_name_of_its_own_and_fits_a_standard_property():
    names = [row.display_name for row in PARAMETERS.values() if row.register == "dimension"]
    assert len(set(names)) == len(names) == 5  # docs/google-analytics.md says how many
    assert all(names)
    assert len(names) <= MOST_DIMENSIONS


def test_the_page_warns_of_many_values_and_names_the_scope():
    page = tables()["google-analytics.md"]
    rows = {line.split("|")[1].strip(" `"): line for line in page.splitlines() if line.startswith("| `")}
    assert "no (many values" in rows["event_id"]
    assert rows["automation_id"].endswith("| event |")
