"""What each figure of a report means, in words, and what the report cannot know. Pure.

The page shows these texts; what they say is what `facts` and `sql/` do.
"""

from typing import Final

from streams.report.intervals import FEW_CASES, FEW_VISITORS
from streams.report.numbers import EDGE_S, Numbers
from streams.report.texts import count, percent

__all__ = ["MEANINGS", "Notice", "notices"]

Notice = tuple[bool, str]
"""Whether it stands before the numbers, because they mislead without it, and what it says."""

MEANINGS: Final[dict[str, str]] = {
    "Visitor": (
        "Whoever one visitor_id of one account names, over all visits. A visit that names none counts by its "
        "session_id. A person with two browsers is two visitors."
    ),
    "Visit": (
        "A session of the chat box. It ends with a silence of 24 hours, or of 30 minutes where the box names no "
        "session, unless rules.toml says otherwise."
    ),
    "Had a conversation": (
        "The visitor wrote a message, online or offline, or clicked a reply button of a chatbot other than "
        "“back”, or an agent joined or wrote. A greeting that nobody answered is no conversation; nor are a "
        "contact form or a rating alone."
    ),
    "Conversation": (
        "What the chat box names one, from its first to its closing; reopened, it is another. It counts from the "
        "first time that visitor or agent did one of the above in it, and on the day and in the hour of that."
    ),
    "Everyone else": "Visitors who never had a conversation in this history. All visitors are both together.",
    "Pages per visit, visits of a single page": "Over the visits with at least one page view.",
    "Time on the site": (
        "From the first thing that a visit reports to the last, of any kind: talking takes time of its own. A "
        "visit that reports one thing lasts 0 seconds."
    ),
    "Goal reached": (
        "The visitor completed the goal at least once, before, while or after chatting. The column “reached after "
        "chatting began” counts those who did so after their first conversation had begun."
    ),
    "Value": (
        "The sum of what goal completions say they are worth, repeated completions included, each currency for "
        "itself; completions without a value add nothing."
    ),
    "95 % interval": (
        "Made so that it holds the true share in 95 of 100 such histories, were visitors drawn at random: Wilson's "
        "score interval for a share, Newcombe's hybrid score interval (method 10) for the difference between those "
        "who chatted and everyone else. One of twenty such intervals misses."
    ),
    "Few": (
        f"Fewer than {FEW_VISITORS} stand behind the share, or fewer than {FEW_CASES} did or did not, or fewer "
        f"than {FEW_VISITORS} ratings behind an average: a handful more would change it much."
    ),
    "Run, sent": (
        "One triggering of a chatbot, an automatic message or a trigger; its second and third message are the "
        "same run. All that follows is counted in runs, as a share of those sent."
    ),
    "Viewed": (
        "The visitor opened the box after the run arrived. A box that stood open already gives no view, so a run "
        "may be answered without one."
    ),
    "Answered": (
        "By a button or by a typed message. Google Analytics gets Chatbot_interaction for the first answer of a "
        "session alone; here every run that was answered counts."
    ),
    "Typed": ("A typed message that answers the run: the reaction that Google Analytics gets."),
    "Served": ("Conversations in which the agent joined or wrote. One served by two agents counts for both."),
    "Rating": (
        "Good is 5, normal 3, bad 1, for the agent who joined or wrote last in that conversation; where it names "
        "none, for the last agent of the visit."
    ),
    "Consent": (
        "The report counts what happened in the chat, also where the visitor refused analytics: only sums leave "
        "it, and nothing is sent. Google Analytics gets less."
    ),
    "What comes twice": (
        "Repeated deliveries and copies from other tabs count once, by the same rules as for Google Analytics."
    ),
}


def notices(numbers: Numbers) -> list[Notice]:
    """What this history leaves open, those that a reader must know first in front."""
    return [*((True, text) for text in _first(numbers)), *((False, text) for text in _further(numbers))]


def _first(numbers: Numbers) -> list[str]:
    of, found = numbers.coverage, []
    if of.visits_without_pages:
        found.append(
            f"{_part(of.visits_without_pages, of.visits)} visits have no page view. Where only those who use the chat "
            "are logged, “all visitors” are too few, and the share of those who had a conversation is too high."
        )
    if numbers.headline.chatted.few:
        found.append("Few visitors chatted, or there are few at all: the shares below can change much with a few more.")
    if of.accounts > 1:
        found.append(
            f"{count(of.accounts)} accounts are added up, and their visitors differ. To compare within one, see “By "
            "account”, or make its own report with --account."
        )
    return found


def _further(numbers: Numbers) -> list[str]:
    of, found = numbers.coverage, []
    found.append(
        "The history begins and ends somewhere: its first and last day are seldom whole"
        + (
            f", {count(of.visits_at_the_edges)} visits lie within {EDGE_S // 60} minutes of an end and may have begun "
            "before or gone on after"
            if of.visits_at_the_edges
            else ""
        )
        + ", and whoever chatted last may reach a goal later."
    )
    if of.events_withheld:
        found.append(
            f"For want of consent {_part(of.events_withheld, of.events)} events were kept from Google Analytics, which "
            "shows that much less than this report."
        )
    if of.visits_without_visitor_id:
        found.append(
            f"{_part(of.visits_without_visitor_id, of.visits)} visits name no visitor. Whoever came several times so "
            "counts several times."
        )
    if numbers.dead_letters:
        found.append(
            f"{_part(numbers.dead_letters, numbers.records)} records could not be read and are not counted; chat2ga "
            "replay with --dead-letters lists them."
        )
    if numbers.unknown_types:
        found.append(f"{count(numbers.unknown_types)} records are of types that this version does not know.")
    if of.clicks_without_receipt:
        found.append(
            f"{count(of.clicks_without_receipt)} clicks on buttons of chatbots that were never received here stand in "
            "no funnel."
        )
    if of.values_without_currency:
        found.append(f"{count(of.values_without_currency)} values name no currency and are added up apart.")
    if of.implausible_values:
        found.append(f"{count(of.implausible_values)} values are beyond a million millions and are left out.")
    return found


def _part(of: int, whole: int) -> str:
    return f"{count(of)} of {count(whole)} ({percent(of / whole)})"
