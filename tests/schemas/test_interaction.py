"""The structs of interactions: which there are, that none is ever changed, and what ratings are called."""

from typing import Any, get_args

import msgspec
import pytest

from schemas.instant import Instant
from schemas.interaction import (
    TYPES,
    ButtonClicked,
    GivenAutomation,
    GivenChatbot,
    GivenConsent,
    GivenGa,
    GivenPage,
    Interaction,
    Rating,
    VisitorMessage,
)
from tests.schemas.test_decoding import BOT, MINIMAL, decode, record


def test_the_table_has_14_types_each_under_its_tag():
    assert list(TYPES) == list(MINIMAL)
    assert set(TYPES.values()) == set(get_args(Interaction))
    assert len(TYPES) == 14


def test_a_chatbots_button_holds_an_automation():
    said = decode(record("button_clicked", automation=BOT))
    assert isinstance(said, ButtonClicked)
    assert isinstance(said.automation, GivenChatbot)
    assert isinstance(said.automation, GivenAutomation)


@pytest.mark.parametrize("kind", MINIMAL)
def test_an_interaction_cannot_be_changed(kind):
    said: Any = decode(record(kind, page={"url": "/"}, ga={"client_id": "1.2"}, consent={"analytics": True}))
    assert type(said) is TYPES[kind]
    assert (said.page, said.ga, said.consent) == (GivenPage("/"), GivenGa("1.2"), GivenConsent(analytics=True))
    with pytest.raises(AttributeError):
        said.account_id = "other"
    for field in said.__struct_fields__:
        inner = getattr(said, field)
        if isinstance(inner, msgspec.Struct):
            with pytest.raises(AttributeError):
                setattr(inner, inner.__struct_fields__[0], None)


def test_a_text_of_white_space_only_is_none():
    for text, said in ((None, None), ("", None), (" \n", None), (" Hi ", " Hi ")):
        message = VisitorMessage(account_id="a", timestamp=Instant(0), session_id="s", text=text)
        assert message.said == said


@pytest.mark.parametrize(("given", "label"), [("bon", "Good"), (3, "Normal"), ("BAD", "Bad")])
def test_a_rating_has_a_name_in_ga(given, label):
    assert Rating.parse(given).label == label
