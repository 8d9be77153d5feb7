"""The numbers of a month once more, by plain means: no `step`, no SQL. For months of `month` alone.

There every interaction has an id, every conversation and run a name, and the visits
of a visitor lie days apart: so what comes twice is found by its id, a visit is a
session id or a visitor's day, and a conversation is its name.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

__all__ = ["recount"]

Record = dict[str, Any]
_DAY_MS: Final = 86_400_000


def recount(records: Iterable[Record]) -> dict[str, Any]:
    """What a report of these interactions must say, in UTC."""
    visits: defaultdict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for said in {record["interaction_id"]: record for record in records}.values():
        day = said["timestamp"] // _DAY_MS
        session = said.get("session_id")
        visits[said["account_id"], session, None if session else (said["visitor_id"], day)].append(said)
    return _Sum(sorted(visit, key=lambda said: said["timestamp"]) for visit in visits.values()).numbers()


def _talks(said: Record) -> bool:
    if said["type"] == "button_clicked":
        return not said["is_back"]
    return said["type"] in {"visitor_message", "agent_joined", "agent_message"}


def _of_an_agent(said: Record) -> bool:
    return said["type"] in {"agent_joined", "agent_message"}


class _Sum:
    def __init__(self, visits: Iterable[list[Record]]) -> None:
        self.visits = list(visits)
        self.first_talk: dict[Any, int] = {}
        for visit in self.visits:
            for said in filter(_talks, visit):
                who = self.who(visit)
                self.first_talk[who] = min(self.first_talk.get(who, said["timestamp"]), said["timestamp"])
        self.everyone = {self.who(visit) for visit in self.visits}

    def who(self, visit: list[Record]) -> tuple[Any, ...]:
        said = visit[0]
        return said["account_id"], said.get("visitor_id"), said.get("visitor_id") or said["session_id"]

    def audience(self, name: str) -> set[Any]:
        chatters = set(self.first_talk)
        return {"chatters": chatters, "others": self.everyone - chatters, "everyone": self.everyone}[name]

    def numbers(self) -> dict[str, Any]:
        return {
            "visitors": (len(self.first_talk), len(self.everyone)),
            "visits": len(self.visits),
            "conversations": (len(self.conversations(_talks)), len(self.conversations(_of_an_agent))),
            "visits_with_conversation": sum(any(map(_talks, visit)) for visit in self.visits),
            "runs": len({said["automation"]["run_id"] for said in self.said("automation_sent")}),
            "ratings": self.ratings(),
            "ways": {
                "wrote": self.way(lambda said: said["type"] == "visitor_message"),
                "clicked": self.way(lambda said: said["type"] == "button_clicked" and not said["is_back"]),
                "agent": self.way(_of_an_agent),
                "offline": self.way(lambda said: said.get("online") is False),
            },
            "behaviour": {name: self.behaviour(self.audience(name)) for name in ("chatters", "others", "everyone")},
            "goals": self.goals(),
            "values": self.values(),
            "automations": self.automations(),
            "agents": self.agents(),
            "days": self.days(),
            "hours": self.hours(),
        }

    def said(self, kind: str) -> list[Record]:
        return [said for visit in self.visits for said in visit if said["type"] == kind]

    def ratings(self) -> tuple[int, float | None]:
        given = [said["rating"] for said in self.said("feedback_given")]
        return len(given), sum(given) / len(given) if given else None

    def conversations(self, of: Any) -> set[str]:
        return {said["conversation_id"] for visit in self.visits for said in filter(of, visit)}

    def way(self, of: Any) -> tuple[int, int]:
        visitors = {self.who(visit) for visit in self.visits if any(map(of, visit))}
        return len(visitors), len(self.conversations(of))

    def behaviour(self, audience: set[Any]) -> dict[str, float]:
        visits = [visit for visit in self.visits if self.who(visit) in audience]
        pages = [sum(said["type"] == "page_viewed" for said in visit) for visit in visits]
        seconds = sorted((visit[-1]["timestamp"] - visit[0]["timestamp"]) / 1000 for visit in visits)
        half = len(seconds) // 2
        return {
            "visitors": len(audience),
            "visits": len(visits),
            "visits_per_visitor": len(visits) / len(audience),
            "pages_per_visit": sum(pages) / len(visits),
            "one_page_share": pages.count(1) / len(visits),
            "seconds_mean": sum(seconds) / len(visits),
            "seconds_median": seconds[half] if len(seconds) % 2 else (seconds[half - 1] + seconds[half]) / 2,
        }

    def completions(self) -> Iterable[tuple[Any, Record]]:
        for visit in self.visits:
            yield from ((self.who(visit), said) for said in visit if said["type"] == "goal_completed")

    def goals(self) -> dict[str | None, dict[str, tuple[int, int]]]:
        reached: defaultdict[str | None, list[tuple[Any, int]]] = defaultdict(list)
        for who, said in self.completions():
            reached[said["goal"]["name"]].append((who, said["timestamp"]))
            reached[None].append((who, said["timestamp"]))
        found: dict[str | None, dict[str, tuple[int, int]]] = {}
        for goal, of in reached.items():
            found[goal] = {
                name: (
                    len({who for who, _ in of} & self.audience(name)),
                    sum(who in self.audience(name) for who, _ in of),
                )
                for name in ("chatters", "others", "everyone")
            }
            after = {who for who, at in of if at > self.first_talk.get(who, at)}
            found[goal]["after"] = (len(after), 0)
        return found

    def values(self) -> dict[tuple[str, str, str], int]:
        """In hundredths."""
        found: Counter[tuple[str, str, str]] = Counter()
        for who, said in self.completions():
            if "value" in (goal := said["goal"]):
                for name in ("chatters", "others", "everyone"):
                    if who in self.audience(name):
                        found[goal["name"], goal["currency"], name] += round(goal["value"] * 100)
        return dict(found)

    def automations(self) -> dict[tuple[str, str, str], tuple[int, ...]]:  # noqa: C901 - one walk, as a person would
        """Sent, viewed, answered, typed: walked through by hand."""
        found: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for visit in self.visits:
            runs: dict[Any, list[Any]] = {}  # by run id: automation, then each step
            last: dict[str | None, Any] = {}  # by conversation: the run whose message stands last
            for said in visit:
                kind, conversation = said["type"], said.get("conversation_id")
                if kind == "automation_sent":
                    run_id = said["automation"]["run_id"]
                    runs.setdefault(run_id, [said["automation"], False, False, False])
                    last[conversation] = run_id
                elif kind == "box_opened" and said.get("via") != "widget":
                    for run in runs.values():
                        run[1] = True
                elif kind == "button_clicked" and not said["is_back"]:
                    runs[said["automation"]["run_id"]][2] = True
                elif kind == "agent_message":
                    last[conversation] = None
                elif kind == "visitor_message" and last.get(conversation):
                    runs[last[conversation]][2] = runs[last[conversation]][3] = True
                elif kind == "conversation_closed":
                    last.pop(conversation, None)
            for automation, *steps in runs.values():
                counts = found[visit[0]["account_id"], automation["kind"], automation["id"]]
                counts[0] += 1
                for place, done in enumerate(steps, 1):
                    counts[place] += done
        return {key: tuple(counts) for key, counts in found.items()}

    def agents(self) -> dict[tuple[str, str | None], tuple[int, tuple[int, ...]]]:
        """Conversations, and ratings good, normal and bad: a conversation has one agent here, or none."""
        served: defaultdict[tuple[str, str | None], set[str]] = defaultdict(set)
        rated: defaultdict[tuple[str, str | None], Counter[int]] = defaultdict(Counter)
        for visit in self.visits:
            account, of = visit[0]["account_id"], {}
            for said in visit:
                if said["type"] in {"agent_joined", "agent_message"}:
                    of[said["conversation_id"]] = said["agent"]["id"]
                    served[account, said["agent"]["id"]].add(said["conversation_id"])
                elif said["type"] == "feedback_given":
                    rated[account, of.get(said["conversation_id"])][said["rating"]] += 1
        return {key: (len(served[key]), tuple(rated[key][rating] for rating in (5, 3, 1))) for key in {*served, *rated}}

    def beginnings(self) -> Iterable[tuple[Any, int, bool]]:
        """Who, when, whether an agent took part, of each conversation."""
        for visit in self.visits:
            began: dict[str, int] = {}
            for said in filter(_talks, visit):
                began.setdefault(said["conversation_id"], said["timestamp"])
            agents = {said["conversation_id"] for said in visit if said["type"].startswith("agent_")}
            yield from ((self.who(visit), at, name in agents) for name, at in began.items())

    def days(self) -> dict[int, tuple[int, int, int, int]]:
        """By days since 1970: visits, visitors, those with a conversation, conversations."""
        visits = Counter(visit[0]["timestamp"] // _DAY_MS for visit in self.visits)
        visitors = Counter(day for _, day in {(self.who(v), v[0]["timestamp"] // _DAY_MS) for v in self.visits})
        chatters = Counter(day for _, day in {(who, at // _DAY_MS) for who, at, _ in self.beginnings()})
        talks = Counter(at // _DAY_MS for _, at, _ in self.beginnings())
        return {day: (visits[day], visitors[day], chatters[day], talks[day]) for day in {*visits, *talks}}

    def hours(self) -> dict[int, tuple[int, int, int]]:
        """Visits, conversations, those with an agent."""
        visits = Counter(visit[0]["timestamp"] // 3_600_000 % 24 for visit in self.visits)
        talks = Counter(at // 3_600_000 % 24 for _, at, _ in self.beginnings())
        served = Counter(at // 3_600_000 % 24 for _, at, agent in self.beginnings() if agent)
        return {hour: (visits[hour], talks[hour], served[hour]) for hour in range(24)}
