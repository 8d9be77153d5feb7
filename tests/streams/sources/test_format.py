"""A format: its translation never raises, and its coverage says what comes, what could and what cannot."""

from schemas.interaction import Fault, Unknown
from streams.sources import Coverage, Format, Mapping, coverage
from streams.sources.draft import content_id
from streams.sources.facts import Never, Told, when
from streams.sources.record import At

NEVER = Never("it does not")
COMMON = {"account_id": "acme", "timestamp": "2026-03-02T09:14:00Z", "session_id": "s"}


def from_far_down(record, calls):
    return from_far_down(record, calls - 1) if calls else content_id(record)


def drafts(record, mapping):
    del mapping
    match record.at("say").value:
        case "deep":
            return [{"type": "box_opened", "interaction_id": from_far_down(record, 50), **COMMON}]
        case "unknown":
            return Unknown("x")
        case "fault":
            return Fault("say", "Expected nothing")
        case count:
            good = {"type": "box_opened", "interaction_id": "t:1", **COMMON}
            return [good] * count + [{**good, "timestamp": At("soon", "at")}] * record.at("bad").value


TEST = Format(
    name="test",
    what="a test",
    origin="here",
    session="none",
    tells_account=True,
    signature=None,
    records={},
    facts={
        "visitor_message": Told(),
        "chatbot": Told(),
        "offline": NEVER,
        "auto_message": NEVER,
        "trigger": Told(lambda mapping: mapping.account_id == "x", "`account_id = x`"),
        "box_opened": when("box_opened", "first_visitor_message"),
        "button": NEVER,
        "agent_joined": NEVER,
        "contact_form": NEVER,
        "rating": NEVER,
        "rating_text": NEVER,
    },
    drafts=drafts,
)


def test_all_interactions_of_a_record_in_order_or_the_fault_of_one():
    made = TEST.translate(b'{"say": 2, "bad": 0}', Mapping())
    assert isinstance(made, tuple)
    assert len(made) == 2
    assert TEST.translate(b'{"say": 2, "bad": 1}', Mapping()) == Fault(
        "at", "Expected RFC 3339 with `T` and an offset, like 2026-01-31T12:00:00.250Z"
    )


def test_what_is_unknown_or_a_fault_goes_out_as_it_is():
    assert TEST.translate(b'{"say": "unknown"}', Mapping()) == Unknown("x")
    assert TEST.translate(b'{"say": "fault"}', Mapping()) == Fault("say", "Expected nothing")


def test_however_deep_a_record_is_nothing_is_raised():
    """What can just be read may be too deep to be written from further down, for its hash."""
    outcomes = []
    for depth in range(1, 2_000):
        made = TEST.translate(b'{"say": "deep", "in": ' + b"[" * depth + b"]" * depth + b"}", Mapping())
        assert isinstance(made, tuple) or made.code == "not_json"
        outcomes.append(type(made))
    assert outcomes[0] is tuple
    assert outcomes[-1] is Fault


def test_coverage_says_what_a_mapping_would_have_to_say_or_why_not():
    plain = coverage(TEST, Mapping())
    assert plain["Chatbot_sent"] == Coverage("yes")
    assert plain["Chatbot_viewed"] == Coverage("with_mapping", '`box_opened = "first_visitor_message"`')
    assert plain["Trigger_message_viewed"].why == '`account_id = x`; `box_opened = "first_visitor_message"`'
    assert plain["Auto_message_viewed"] == Coverage("no", "it does not")
    mapped = coverage(TEST, Mapping(box_opened="first_visitor_message"))
    assert mapped["Chatbot_viewed"] == Coverage("yes")
    assert mapped["Trigger_message_viewed"] == Coverage("with_mapping", "`account_id = x`")
    assert mapped["Auto_message_viewed"].had == "no"
