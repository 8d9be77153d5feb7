"""What happens in a visit, scene by scene: chatbots, messages, triggers, agents, forms, ratings.

A scene plays one stretch of a visit as real ones go, second thoughts included.
Scenes are drawn by weight until the visit is as long as wanted.
"""

from collections.abc import Callable
from itertools import accumulate
from typing import Final

from streams.demo.sites import Robot
from streams.demo.visit import Visit

__all__ = ["SCENES", "play"]

Scene = Callable[[Visit], None]


def arrive(visit: Visit) -> None:
    """The first page: the box learns the page, the browser, GA's cookies and, at times, the consent."""
    visit.say("visit_started", **visit.context(), **_consent(visit))
    visit.wait(0, 1)
    visit.say("page_viewed", **visit.context())
    visit.wait(2, 15)


def _consent(visit: Visit) -> dict[str, object]:
    drawn = visit.rng.choices(("unasked", "all", "analytics", "none"), (35, 30, 25, 10))[0]
    if drawn == "unasked":
        return {}
    return {"consent": {"analytics": drawn != "none", "marketing": drawn == "all"}}


def browse(visit: Visit) -> None:
    """Pages, and now and then a goal."""
    visit.turn_to_page()
    visit.say("page_viewed", **visit.context())
    visit.wait(4, 40)
    if visit.chance(0.15):
        visit.say(
            "goal_completed", goal={"name": "purchase", "value": visit.rng.randrange(100, 4_000) / 4, "currency": "CZK"}
        )
        visit.wait(3, 20)


def decide_on_consent(visit: Visit) -> None:
    """The cookie bar is answered, or the answer changed."""
    visit.say("page_viewed", page=visit.page, consent={"analytics": visit.chance(0.8), "marketing": visit.chance(0.4)})
    visit.wait(1, 10)


def chatbot(visit: Visit) -> None:
    """A chatbot asks; the visitor clicks, goes back, clicks again, or types."""
    robot = visit.rng.choice(visit.site.chatbots)
    named = visit.automation(robot, visit.new_run())
    for _ in range(visit.rng.choice((1, 1, 2, 3))):  # several messages, one run
        visit.say("automation_sent", automation=named)
        visit.wait(0.5, 2)
    visit.wait(1, 20)
    if visit.chance(0.25):
        return  # nobody looked
    _open(visit)
    while visit.chance(0.55):
        _click(visit, robot, named if visit.chance(0.8) else None)
        visit.say("automation_sent", automation=named)
        visit.wait(1, 6)
    if visit.chance(0.5):
        _type(visit, in_reply_to=robot.id if visit.chance(0.3) else None)
        if visit.chance(0.3):
            _type(visit)


def _click(visit: Visit, robot: Robot, named: dict[str, object] | None) -> None:
    of = {"automation": named} if named else {}
    visit.wait(2, 12)
    visit.say("button_clicked", button=visit.rng.choice(robot.buttons), **of)
    visit.wait(0.5, 3)
    if visit.chance(0.2):
        visit.say("button_clicked", button="← Zpět" if visit.site.language == "cs-CZ" else "← Back", is_back=True, **of)
        visit.wait(1, 4)


def auto_message(visit: Visit) -> None:
    """An automatic message pops up; at times a second one, and the last is the one answered."""
    for robot in visit.rng.sample(visit.site.messages, visit.rng.randint(1, len(visit.site.messages))):
        visit.say("automation_sent", automation=visit.automation(robot, visit.new_run()))
        visit.wait(3, 30)
    if visit.chance(0.6):
        _open(visit, "popup" if visit.chance(0.7) else "launcher")
        if visit.chance(0.6):
            _type(visit)


def trigger(visit: Visit) -> None:
    """An old-style trigger."""
    robot = visit.rng.choice(visit.site.triggers)
    visit.say("automation_sent", automation=visit.automation(robot, visit.new_run()))
    visit.wait(2, 25)
    if visit.chance(0.6):
        _open(visit)
        if visit.chance(0.5):
            _type(visit)


def talk(visit: Visit) -> None:
    """The visitor writes first, or after what stood there; an agent takes over; it is closed and rated."""
    _open(visit)
    _type(visit)
    visit.wait(5, 60)
    number, name = visit.rng.choice(visit.site.agents)
    agent = {"id": number, "name": name}
    visit.say("agent_joined", agent=agent)
    visit.wait(2, 15)
    for _ in range(visit.rng.randint(1, 4)):
        visit.say("agent_message", agent=agent)
        visit.wait(5, 50)
        if visit.chance(0.7):
            _type(visit)
    if visit.chance(0.1):
        visit.say("agent_joined", agent=agent)  # reconnected: the same join
        visit.wait(1, 5)
    visit.say("agent_left", agent=agent)
    visit.wait(1, 20)
    visit.say("conversation_closed")
    visit.wait(1, 10)
    if visit.chance(0.6):
        rate(visit)
    visit.conversation = None


def rate(visit: Visit) -> None:
    """The rating form: a rating, a text, or both."""
    rating = visit.rng.choice((5, 5, "good", "Bon", 3, "NORMAL", 1, "mauvais"))
    text = visit.rng.choice(visit.site.feedback)
    filled_in = visit.rng.choices(("rating", "both", "text"), (50, 35, 15))[0]
    if filled_in == "rating":
        visit.say("feedback_given", rating=rating)
    elif filled_in == "both" or text.isspace():
        visit.say("feedback_given", rating=rating, text=text)
    else:
        visit.say("feedback_given", text=text)
    visit.wait(2, 20)


def leave_a_message(visit: Visit) -> None:
    """Nobody is there: a contact form, a message to the offline box."""
    _open(visit)
    if visit.chance(0.7):
        visit.say("contact_form_sent")
        visit.wait(1, 8)
    _type(visit, online=False)


def widget(visit: Visit) -> None:
    """The box opens by itself, and is closed."""
    visit.say("box_opened", via="widget")
    visit.open = True
    visit.wait(2, 20)
    _close(visit)


def come_back(visit: Visit) -> None:
    """A break. Where the visitor is the session, half an hour of silence ends it."""
    if visit.keyed_by_visitor:
        visit.wait(31 * 60, 40 * 60)
    else:
        visit.wait(60, 6 * 60)
    browse(visit)


def _open(visit: Visit, via: str | None = None) -> None:
    if visit.open and visit.chance(0.8):
        return
    visit.open = True
    visit.say("box_opened", **({"via": via} if via else {}))
    visit.wait(1, 8)


def _close(visit: Visit) -> None:
    visit.open = False
    visit.say("box_closed")
    visit.wait(1, 10)


def _type(visit: Visit, *, online: bool = True, in_reply_to: str | None = None) -> None:
    visit.wait(2, 25)
    said: dict[str, object] = {"text": visit.rng.choice(visit.site.typed)}
    if not online:
        said["online"] = False
    if in_reply_to:
        said["in_reply_to"] = in_reply_to
    visit.say("visitor_message", **said)
    visit.wait(0.5, 5)


SCENES: Final[tuple[tuple[Scene, int], ...]] = (
    (browse, 24),
    (chatbot, 22),
    (auto_message, 16),
    (trigger, 7),
    (talk, 9),
    (rate, 4),
    (leave_a_message, 5),
    (widget, 4),
    (_close, 4),
    (decide_on_consent, 3),
    (come_back, 2),
)
_DRAWN: Final = tuple(scene for scene, _ in SCENES)
_WEIGHTS: Final = tuple(accumulate(weight for _, weight in SCENES))


def play(visit: Visit, wanted: int) -> None:
    """Play the visit to at least `wanted` interactions, other tabs' copies not counted."""
    arrive(visit)
    while visit.told < wanted:
        scene = visit.rng.choices(_DRAWN, cum_weights=_WEIGHTS)[0]
        scene(visit)
