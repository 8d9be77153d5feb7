"""What one raw record tells, interaction by interaction. Pure.

The same for all formats: how an account, an agent and an automation are named,
and what the mapping says of openings and joins that a format does not tell. These
have the conversation's identity, so that however often they are told, the first
counts and the others are its duplicates.
"""

from typing import Any, Final

from schemas.interaction import AutomationKind, Fault
from streams.sources.draft import Draft, hashed, identity
from streams.sources.mapping import Automation, Mapping
from streams.sources.ratings import worth
from streams.sources.record import At

__all__ = ["Telling", "account", "agent", "automation", "page", "site_ids"]


def account(mapping: Mapping, told: At) -> At:
    """The account as it is called here. What is no id stays, and is a fault."""
    return At(mapping.account(told.id), told.path) if told.value is None or told.id else told


def site_ids(mapping: Mapping, variables: At, *inside: str, user_id: At | None = None) -> Draft:
    """The site's id of its user and Google's ids, from where the mapping says that the site puts them.

    `inside` leads from a variable to its value; `user_id` is the format's own. No
    e-mail address is taken for an id: Google wants none in a hit.
    """
    names = mapping.variables
    user = variables.at(names.user_id, *inside) if names.user_id else user_id
    if user is not None and user.text and "@" in user.text:
        user = None
    return {
        "user_id": user,
        "ga": {
            "client_id": variables.at(names.ga_client_id, *inside) if names.ga_client_id else None,
            "session_id": variables.at(names.ga_session_id, *inside) if names.ga_session_id else None,
        },
    }


def agent(mapping: Mapping, told: At, *names: At) -> Draft | None:
    """An agent by id, named by the mapping or the record; None where no id is told."""
    if told.value is None:
        return None
    listed = mapping.agents.get(told.id) if told.id else None
    return {"id": told, "name": listed or next((name for name in names if name.value is not None), "")}


def automation(
    mapping: Mapping,
    told: At,
    name: At,
    *,
    kind: AutomationKind | None = None,
    default: AutomationKind | None = None,
    nameless: str | None = None,
    listed: Automation | None = None,
) -> Draft | None:
    """An automation by id or name; None where nobody says of what kind it is.

    `kind` is what the format tells, `default` what it may be taken for, `nameless`
    the id of one of which neither id nor name is told, `listed` what the mapping
    says of it, if that was looked up already.
    """
    if told.value is None:
        told = At(name.value if name.text else nameless, told.path)
    listed = listed or mapping.known(told.id, name.text)
    chosen = (listed and listed.kind) or kind or mapping.automation_kind or default
    if chosen is None:
        return None
    return {
        "kind": chosen,
        "id": (listed and listed.id) or told,
        "name": (listed and listed.name) or (name if name.value is not None else ""),
    }


def page(mapping: Mapping, url: At, title: At | None = None, referrer: At | None = None) -> Draft | None:
    """The page, with the mapping's measurement ids; None where the record tells none, so that the last one stands."""
    if not (url.value or (referrer and referrer.value)):
        return None
    return {"url": url, "title": title, "referrer": referrer, "measurement_ids": list(mapping.measurement_ids) or None}


class Telling:
    """The interactions of one record, in order."""

    def __init__(self, source: str, mapping: Mapping, common: Draft, scope: str) -> None:
        """`common` is what all of them carry; `scope`, the conversation or visitor, bounds what is told once."""
        self._source: Final = source
        self._mapping: Final = mapping
        self._common: Final = common
        self._scope: Final = scope
        self.timestamp: At | None = None  # in place of the common one
        self.drafts: Final[list[Draft]] = []

    def say(self, kind: str, *parts: object, **fields: object) -> None:
        """An interaction of a type; `parts` are what its identity is made of."""
        draft: dict[str, Any] = {"type": kind, "interaction_id": identity(self._source, kind, *parts), **self._common}
        if self.timestamp is not None:
            draft["timestamp"] = self.timestamp
        self.drafts.append(draft | fields)

    def visitor_wrote(self, *parts: object, **fields: object) -> None:
        """A message of the visitor's, and before it the opening of the box, if the mapping takes it from there."""
        if self._mapping.box_opened is not None:
            self.say("box_opened", self._scope)
        self.say("visitor_message", *parts, **fields)

    def agent_wrote(self, who: Draft | None, *parts: object, joins: bool = False) -> None:
        """An agent's message; with `joins` the agent's joining before it, if the mapping takes it from there."""
        if joins and who is not None and self._mapping.agent_joined == "first_agent_message":
            told = who["id"]
            self.say("agent_joined", self._scope, told.id if isinstance(told, At) else told, agent=who)
        self.say("agent_message", *parts, agent=who)

    def rated(self, rating: At, text: At, *parts: object) -> Fault | None:
        """Rating and text, each an interaction of its own: a form that is sent again with a text rates once."""
        value = worth(self._mapping, rating)
        if isinstance(value, Fault):
            return value
        if value is not None:
            self.say("feedback_given", *parts, value, rating=value)
        if text.value is not None and not (isinstance(text.value, str) and not text.value.strip()):
            self.say("feedback_given", *parts, hashed(str(text.value).encode()), text=text)
        return None
