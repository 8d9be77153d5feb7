"""CONTRACT §3: Run, Sent, Viewed, Target of a typed message, Button, Started."""

import pytest

from schemas.session import MAX_CHATBOTS, MAX_RUNS
from tests.streams.attribution.builders import (
    ADAM,
    BOT,
    BOT_2,
    EVA,
    HELLO,
    PROMO,
    agent_wrote,
    all_events,
    all_names,
    clicked,
    closed,
    ended,
    form,
    joined,
    last,
    left,
    names,
    of_run,
    opened,
    rated,
    reached_goal,
    rules,
    sent,
    typed,
    viewed_page,
    visited,
)

BOT_ANSWERED = ["Chatbot_interaction", "Chatbot_visitor_reaction"]
PROMO_ANSWERED = ["Auto_message_visitor_reaction"]
HELLO_ANSWERED = ["Trigger_visitor_reaction"]
STARTED = ["Visitor_started_conversation"]


def of(conversation, record):
    return {**record, "conversation_id": conversation}


def credited(history):
    """Id and run of the automation of each event of the history's last record."""
    return [(event.automation.id, event.automation.run_id) if event.automation else None for event in last(history)]


# -- Run and Sent -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param(sent(of_run(BOT, "1")), sent(of_run(BOT, "1")), True, id="kind, id and run_id"),
        pytest.param(sent(of_run(BOT, "1")), sent(of_run(BOT, "2")), False, id="another run_id"),
        pytest.param(sent(of_run(BOT, "1")), sent(of_run(BOT_2, "1")), False, id="another id"),
        pytest.param(sent(of_run(BOT, "1")), sent(of_run({**BOT, "kind": "trigger"}, "1")), False, id="another kind"),
        pytest.param(
            of("a", sent(of_run(BOT, "1"))),
            of("b", sent(of_run(BOT, "1"))),
            True,
            id="with a run_id, conversations apart",
        ),
        pytest.param(sent(BOT), sent(BOT), True, id="without a run_id, kind, id and the conversation it came in"),
        pytest.param(sent(BOT), sent(BOT_2), False, id="without a run_id, another id"),
        pytest.param(sent(BOT), sent({**BOT, "kind": "trigger"}), False, id="without a run_id, another kind"),
        pytest.param(of("a", sent(BOT)), of("b", sent(BOT)), False, id="without a run_id, another conversation"),
        pytest.param(sent(of_run(BOT, "1")), sent(BOT), False, id="with a run_id, then without"),
        pytest.param(sent(BOT), sent(of_run(BOT, "1")), False, id="without a run_id, then with"),
        pytest.param(sent(BOT), sent({**BOT, "name": "Renamed"}), True, id="its name does not matter"),
    ],
)
def test_one_triggering_of_an_automation_is_one_run(first, second, same):
    assert len(names([first, second])) == (0 if same else 1)


def test_without_a_run_id_closed_and_reopened_is_another():
    assert names([of("a", sent(BOT)), of("a", ended()), of("a", sent(BOT))]) == ["Chatbot_sent"]
    assert names([sent(BOT), ended(), sent(BOT)]) == ["Chatbot_sent"]


def test_with_a_run_id_closed_and_reopened_is_the_same():
    history = [of("a", sent(of_run(BOT, "1"))), of("a", ended()), of("a", sent(of_run(BOT, "1")))]
    assert names(history) == []


def test_runs_without_a_run_id_in_conversations_apart_go_on_apart():
    history = [of("a", sent(BOT)), of("b", sent(BOT)), of("a", sent(BOT)), of("b", sent(BOT))]
    assert all_names(history) == ["Chatbot_sent", "Chatbot_sent"]


def test_a_chatbots_second_and_third_message_are_the_same_run_and_send_nothing():
    assert all_names([sent(BOT), sent(BOT), sent(BOT)]) == ["Chatbot_sent"]


def test_each_is_the_conversations_last_message():
    assert names([sent(BOT), agent_wrote(), sent(BOT), typed()]) == BOT_ANSWERED
    assert names([sent(BOT), sent(PROMO), sent(BOT), typed()]) == BOT_ANSWERED


def test_each_makes_the_run_the_one_received_last():
    one, two = sent(of_run(BOT, "1")), sent(of_run(BOT, "2"))
    assert credited([one, two, clicked(BOT)]) == [("bot", "2")] * 2
    assert credited([one, two, one, clicked(BOT)]) == [("bot", "1")] * 2
    assert credited([one, two, one, clicked(None)]) == [("bot", "1")] * 2
    assert credited([one, two, one, typed(in_reply_to="bot")]) == [("bot", "1")] * 2


def test_the_run_keeps_its_first_name_and_receipt():
    history = [
        sent(BOT, interaction_id="first"),
        sent({**BOT, "name": "Renamed"}, interaction_id="second"),
        opened(interaction_id="o"),
    ]
    (viewed,) = last(history)
    assert (viewed.label, viewed.automation.name, viewed.caused_by) == ("Bot", "Bot", ("o", "first"))


def runs(count, first=0):
    return [sent(of_run(PROMO, str(n))) for n in range(first, first + count)]


def test_the_256_received_last_are_remembered():
    assert MAX_RUNS == 256
    assert names([*runs(256), *runs(1)]) == []
    assert names([*runs(257), *runs(1)]) == ["Auto_message_sent"]
    assert names([*runs(257), *runs(1, 1)]) == []
    assert len(names([*runs(300), opened()])) == 256


def test_a_run_received_again_is_remembered_longer():
    assert names([*runs(256), *runs(1), *runs(1, 256), *runs(1)]) == []
    assert names([*runs(256), *runs(1), *runs(1, 256), *runs(1, 1)]) == ["Auto_message_sent"]


def test_a_forgotten_run_is_no_target():
    answer = of("a", typed())
    assert names([of("a", sent(BOT)), *(of("b", record) for record in runs(255)), answer]) == BOT_ANSWERED
    assert names([of("a", sent(BOT)), *(of("b", record) for record in runs(256)), answer]) == []


@pytest.mark.parametrize("box", [[], [opened()], [opened(), closed()], [opened("widget")]], ids=len)
def test_sent_whether_the_box_is_open_or_closed(box):
    assert names([*box, sent(BOT)]) == ["Chatbot_sent"]


# -- Viewed -----------------------------------------------------------------------


def test_box_opened_gives_one_event_for_every_run_received_and_not_yet_viewed():
    history = [sent(BOT), sent(PROMO), sent(HELLO), opened()]
    assert names(history) == ["Chatbot_viewed", "Auto_message_viewed", "Trigger_message_viewed"]
    assert names([*history, opened()]) == []
    assert names([*history, sent(BOT_2), opened()]) == ["Chatbot_viewed"]


def test_in_the_order_of_first_receipt():
    first, second = sent(of_run(PROMO, "1")), sent(of_run(HELLO, "2"))
    assert names([first, second, first, opened()]) == ["Auto_message_viewed", "Trigger_message_viewed"]
    assert names([{**first, "at": 10}, {**second, "at": 0}, opened()]) == [
        "Auto_message_viewed",
        "Trigger_message_viewed",
    ]


def test_across_conversations():
    history = [of("a", sent(BOT)), of("b", sent(PROMO)), of("a", ended()), of("b", opened())]
    assert names(history) == ["Chatbot_viewed", "Auto_message_viewed"]


def test_whether_or_not_the_box_was_closed_in_between():
    assert names([opened(), sent(BOT), opened()]) == ["Chatbot_viewed"]
    assert names([opened(), sent(BOT), closed(), opened()]) == ["Chatbot_viewed"]
    assert names([opened(), closed(), sent(BOT), opened()]) == ["Chatbot_viewed"]


def test_a_box_already_open_when_the_automation_arrives_views_nothing_by_itself():
    assert names([opened(), sent(BOT)]) == ["Chatbot_sent"]
    assert names([opened(), sent(BOT), closed()]) == []


OPEN_VIEWS = rules({"viewed_when_already_open": True})


@pytest.mark.parametrize("via", [None, "launcher", "popup", "widget"])
def test_viewed_when_already_open_however_it_was_opened(via):
    assert names([opened(via), sent(BOT)], OPEN_VIEWS) == ["Chatbot_sent", "Chatbot_viewed"]


def test_viewed_when_already_open_wants_an_open_box():
    assert names([sent(BOT)], OPEN_VIEWS) == ["Chatbot_sent"]
    assert names([opened(), closed(), sent(BOT)], OPEN_VIEWS) == ["Chatbot_sent"]


def test_viewed_when_already_open_once_per_run():
    assert names([opened(), sent(BOT), sent(BOT)], OPEN_VIEWS) == []
    assert names([opened(), sent(BOT), opened()], OPEN_VIEWS) == []
    assert names([sent(BOT), opened(), sent(BOT)], OPEN_VIEWS) == []


def test_viewed_when_already_open_views_the_arriving_run_alone_at_its_first_message_or_a_later_one():
    history = [sent(BOT), sent(PROMO), opened("widget"), sent(PROMO)]
    assert names(history, OPEN_VIEWS) == ["Auto_message_viewed"]
    assert names([*history, opened()], OPEN_VIEWS) == ["Chatbot_viewed"]


def test_via_widget_opens_the_box_but_views_nothing():
    assert names([sent(BOT), opened("widget")]) == []
    assert names([sent(BOT), opened("widget"), opened()]) == ["Chatbot_viewed"]


def test_unless_widget_open_counts():
    assert names([sent(BOT), opened("widget")], rules({"widget_open_counts": True})) == ["Chatbot_viewed"]


@pytest.mark.parametrize("via", ["launcher", "popup"])
def test_launcher_and_popup_view(via):
    assert names([sent(BOT), opened(via)]) == ["Chatbot_viewed"]


# -- Target of a typed message ----------------------------------------------------


@pytest.mark.parametrize(
    ("history", "now", "then"),
    [
        pytest.param([sent(BOT)], typed(), BOT_ANSWERED, id="text answers the chatbot"),
        pytest.param([sent(BOT), typed()], typed(), [], id="once per run"),
        pytest.param([sent(BOT), sent(PROMO)], typed(), PROMO_ANSWERED, id="the last one is the target"),
        pytest.param([sent(BOT), agent_wrote()], typed(), [], id="after an agent, the agent is"),
        pytest.param([sent(BOT), agent_wrote(EVA), typed()], typed(), [], id="and stays it"),
        pytest.param(
            [sent(BOT), agent_wrote(), sent(PROMO)], typed(), PROMO_ANSWERED, id="an automation after the agent"
        ),
        pytest.param([typed(), sent(BOT)], typed(), BOT_ANSWERED, id="the visitor's own before does not matter"),
        pytest.param(
            [sent(BOT), typed(online=False)], typed(), [], id="chatbot, visitor, visitor is the chatbot still"
        ),
        pytest.param([sent(BOT), joined()], typed(), BOT_ANSWERED, id="a join is not a message"),
        pytest.param([sent(BOT), joined(), left()], typed(), BOT_ANSWERED, id="a leave is not a message"),
        pytest.param([sent(BOT), clicked(BOT)], typed(), ["Chatbot_visitor_reaction"], id="a button is not a message"),
        pytest.param([sent(BOT), form()], typed(), BOT_ANSWERED, id="a form is not a message"),
        pytest.param([sent(BOT), rated(5, "Fine")], typed(), BOT_ANSWERED, id="a feedback is not a message"),
        pytest.param(
            [sent(BOT), opened("widget"), closed(), visited(), viewed_page(), reached_goal()],
            typed(),
            BOT_ANSWERED,
            id="box, visit, page and goal are not messages",
        ),
        pytest.param([sent(BOT)], typed(None), BOT_ANSWERED, id="a message without text is a message"),
        pytest.param([sent(BOT)], typed("  "), BOT_ANSWERED, id="and so is one of white space"),
        pytest.param([sent(HELLO)], typed(), HELLO_ANSWERED, id="a trigger gives no Chatbot_interaction"),
        pytest.param(
            [of("a", sent(BOT))], of("b", typed()), STARTED, id="the conversation's last message, not another's"
        ),
        pytest.param(
            [of("a", sent(BOT)), of("b", sent(PROMO))], of("a", typed()), BOT_ANSWERED, id="each conversation by itself"
        ),
        pytest.param(
            [of("a", sent(BOT)), of("b", agent_wrote())], of("a", typed()), BOT_ANSWERED, id="an agent in another one"
        ),
        pytest.param(
            [of("a", sent(of_run(BOT, "1"))), of("b", sent(of_run(BOT, "1")))],
            of("a", typed()),
            BOT_ANSWERED,
            id="one run may stand last in two",
        ),
    ],
)
def test_typed_text_answers_the_run_of_the_conversations_last_message(history, now, then):
    assert names([*history, now]) == then


def test_chatbot_visitor_visitor_still_targets_the_chatbot():
    # Seen by a run that the first message answered under in_reply_to: the second still finds the last one.
    history = [sent(BOT), sent(PROMO), typed(in_reply_to="bot"), typed()]
    assert names(history) == PROMO_ANSWERED


def test_a_message_to_a_chatbot_whose_conversation_was_offline_is_a_message_too():
    assert names([typed(online=False), typed()]) == []


@pytest.mark.parametrize(
    ("history", "now", "then"),
    [
        pytest.param([sent(BOT), sent(PROMO)], "bot", BOT_ANSWERED, id="not the last message's"),
        pytest.param([sent(BOT), agent_wrote()], "bot", BOT_ANSWERED, id="past an agent's message"),
        pytest.param([of("a", sent(BOT)), of("b", typed())], "bot", BOT_ANSWERED, id="in another conversation"),
        pytest.param([sent(BOT), ended()], "bot", BOT_ANSWERED, id="of a conversation closed since"),
        pytest.param([sent(BOT)], "unknown", BOT_ANSWERED, id="of an id never received: the last message's"),
        pytest.param([sent(BOT), agent_wrote()], "unknown", [], id="of an id never received: none after an agent"),
        pytest.param([], "unknown", STARTED, id="of an id never received: nobody's"),
        pytest.param([sent(BOT)], "Bot", BOT_ANSWERED, id="by id, not by name"),
    ],
)
def test_in_reply_to_names_the_automation_if_it_was_received_in_the_session(history, now, then):
    assert names([*history, typed(in_reply_to=now)]) == then


def test_in_reply_to_is_the_run_received_last_of_that_id():
    one, two = sent(of_run(PROMO, "1")), sent(of_run(PROMO, "2"))
    assert credited([one, two, sent(BOT), typed(in_reply_to="promo")]) == [("promo", "2")]
    assert credited([one, two, one, sent(BOT), typed(in_reply_to="promo")]) == [("promo", "1")]


def test_in_reply_to_is_of_any_kind():
    as_trigger = {**PROMO, "kind": "trigger"}
    assert names([sent(PROMO), sent(as_trigger), sent(BOT), typed(in_reply_to="promo")]) == HELLO_ANSWERED
    assert names([sent(as_trigger), sent(PROMO), sent(BOT), typed(in_reply_to="promo")]) == PROMO_ANSWERED


def test_a_typed_answer_credits_its_kinds_reaction_once_per_run():
    one, two = sent(of_run(PROMO, "1")), sent(of_run(PROMO, "2"))
    assert all_names([one, typed(), two, typed(), one, typed()]).count("Auto_message_visitor_reaction") == 2


def test_and_if_it_is_a_chatbot_chatbot_interaction_if_it_is_the_sessions_first():
    assert names([sent(BOT), typed(), sent(BOT_2), typed()]) == ["Chatbot_visitor_reaction"]
    assert names([sent(PROMO), typed(), sent(BOT), typed()]) == BOT_ANSWERED


def test_the_first_answer_may_come_after_the_reaction_was_counted():
    by = rules({"chatbot_interaction_scope": "chatbot"})
    assert names([sent(of_run(BOT, "1")), typed(), sent(of_run(BOT, "2")), typed()], by) == ["Chatbot_visitor_reaction"]


# -- Button -----------------------------------------------------------------------

CLICKED = ["Chatbot_button_interaction"]
FIRST_CLICK = ["Chatbot_button_interaction", "Chatbot_interaction"]


def test_a_button_each_time_and_chatbot_interaction_if_it_is_the_sessions_first():
    assert names([sent(BOT), clicked(BOT)]) == FIRST_CLICK
    assert names([sent(BOT), clicked(BOT), clicked(BOT)]) == CLICKED
    assert names([sent(BOT), typed(), clicked(BOT)]) == CLICKED


def test_a_button_is_never_a_reaction():
    assert "Chatbot_visitor_reaction" not in all_names([sent(BOT), clicked(BOT), clicked(BOT)])
    assert names([sent(BOT), clicked(BOT), typed()]) == ["Chatbot_visitor_reaction"]


@pytest.mark.parametrize(
    ("history", "given", "run"),
    [
        pytest.param([of_run(BOT, "1"), of_run(BOT, "2")], of_run(BOT, "1"), ("bot", "1"), id="kind, id and run_id"),
        pytest.param([of_run(BOT, "1"), of_run(BOT, "2")], BOT, ("bot", "2"), id="without a run_id, received last"),
        pytest.param([BOT, of_run(BOT, "2")], BOT, ("bot", "2"), id="without a run_id, one that has one"),
        pytest.param([of_run(BOT, "2"), BOT], BOT, ("bot", None), id="without a run_id, one that has none"),
        pytest.param([BOT, BOT_2], BOT, ("bot", None), id="of that id"),
        pytest.param([BOT, {**BOT, "kind": "trigger"}], BOT, ("bot", None), id="of that kind"),
        pytest.param([BOT_2], BOT, ("bot", None), id="never received: as given"),
        pytest.param([of_run(BOT, "1")], of_run(BOT, "9"), ("bot", "9"), id="run never received: as given"),
        pytest.param([BOT], of_run(BOT, "9"), ("bot", "9"), id="run never received, though one without: as given"),
        pytest.param([BOT, BOT_2, PROMO], None, ("bot-2", None), id="names none: the chatbot run received last"),
        pytest.param([PROMO, HELLO], None, None, id="names none, and no chatbot was received"),
        pytest.param([], None, None, id="names none, and nothing was received"),
    ],
)
def test_the_buttons_run(history, given, run):
    assert credited([*map(sent, history), clicked(given)])[0] == run


def test_the_buttons_run_keeps_its_first_name():
    assert [event.automation.name for event in last([sent(BOT), clicked({**BOT, "name": "Renamed"})])] == ["Bot"] * 2
    assert [event.automation.name for event in last([clicked({**BOT, "name": "As given"})])] == ["As given"] * 2


def test_the_buttons_run_is_the_sessions_not_the_conversations():
    assert credited([of("a", sent(BOT)), of("a", ended()), of("b", clicked())]) == [("bot", None)] * 2


def test_a_button_of_none_has_no_automation_and_no_chatbot_interaction_follows():
    assert names([clicked()]) == CLICKED
    assert names([clicked(), sent(BOT), typed()]) == BOT_ANSWERED


def test_a_button_of_one_never_received_is_the_sessions_first_all_the_same():
    assert names([clicked(BOT)]) == FIRST_CLICK
    assert names([clicked(BOT), sent(BOT), typed()]) == ["Chatbot_visitor_reaction"]


def test_a_back_button_sends_nothing_and_is_not_the_first_interaction():
    assert names([sent(BOT), clicked(BOT, is_back=True)]) == []
    assert names([sent(BOT), clicked(BOT, is_back=True), clicked(BOT)]) == FIRST_CLICK


def test_chatbot_interaction_scope_is_the_session_or_each_chatbot():
    history = [sent(BOT), clicked(BOT), sent(of_run(BOT, "2")), clicked(BOT), sent(BOT_2), typed(), clicked(BOT_2)]
    per_chatbot = rules({"chatbot_interaction_scope": "chatbot"})
    assert [event.label for event in all_events(history) if event.name == "Chatbot_interaction"] == ["Bot"]
    assert [event.label for event in all_events(history, per_chatbot) if event.name == "Chatbot_interaction"] == [
        "Bot",
        "Second bot",
    ]


def test_the_chatbots_answered_are_bounded_the_one_answered_first_goes():
    per_chatbot = rules({"chatbot_interaction_scope": "chatbot"})
    bots = [clicked({**BOT, "id": f"b{n}"}) for n in range(MAX_CHATBOTS + 1)]
    assert names([*bots[:-1], bots[0]], per_chatbot) == CLICKED
    assert names([*bots, bots[0]], per_chatbot) == FIRST_CLICK
    assert names([*bots, bots[1]], per_chatbot) == CLICKED


# -- Started ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "then"),
    [
        pytest.param([], STARTED, id="nothing came before"),
        pytest.param([typed()], [], id="the visitor's message came before"),
        pytest.param([typed(None)], [], id="one without text too"),
        pytest.param([agent_wrote()], [], id="an agent's message came before"),
        pytest.param([sent(PROMO)], PROMO_ANSWERED, id="an automation came before"),
        pytest.param([sent(PROMO), agent_wrote()], [], id="an automation and an agent came before"),
        pytest.param([joined(), left(), joined(ADAM)], STARTED, id="a join or a leave is not a message"),
        pytest.param([clicked(BOT)], STARTED, id="a button is not a message"),
        pytest.param([form(), rated(5, "Fine")], STARTED, id="a form is not a message"),
        pytest.param([opened(), visited(), viewed_page(), reached_goal()], STARTED, id="nor is what happens around it"),
        pytest.param([of("a", typed()), of("b", form())], STARTED, id="in this conversation"),
        pytest.param([typed(), ended()], STARTED, id="a conversation closed is another"),
    ],
)
def test_started_if_no_message_of_any_kind_came_before_in_this_conversation(history, then):
    assert names([*history, typed()]) == then


def test_and_there_is_no_target():
    assert names([of("a", sent(PROMO)), of("b", typed(in_reply_to="promo"))]) == PROMO_ANSWERED
    assert names([of("a", sent(PROMO)), of("b", typed(in_reply_to="promo")), of("b", typed())]) == []


def test_a_target_that_was_answered_before_is_a_target():
    assert names([of("a", sent(PROMO)), of("a", typed()), of("b", typed(in_reply_to="promo"))]) == []
