"""One visit as the chat box reports it: ids, tabs, cookies, clocks. What happens in it is told by `scenes`.

Every draw comes from the visit's own generator, so a visit is the same however
many others surround it. Time is a number that the scenes move on.
"""

from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final

from streams.demo.sites import Robot, Site

__all__ = ["Fields", "Visit"]

Fields = dict[str, Any]
"""An interaction on its way to JSON."""

_AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
)
_REFERRERS: Final = ("https://www.google.com/", "https://www.seznam.cz/", "https://www.heureka.cz/", None)
_SUMMER: Final = timezone(timedelta(hours=2))
# A page, a visit and a goal are one tab's own; what the server tells the box, every tab hears.
_ONE_TAB: Final = frozenset({"visit_started", "page_viewed", "goal_completed", "contact_form_sent", "feedback_given"})
_IN_CONVERSATION: Final = frozenset(
    {
        "automation_sent",
        "visitor_message",
        "button_clicked",
        "agent_joined",
        "agent_left",
        "agent_message",
        "contact_form_sent",
        "feedback_given",
        "conversation_closed",
    }
)


class Visit:
    """A visitor on a site. `said` holds (event time in ms, interaction) in the order in which tabs report."""

    def __init__(self, rng: Random, site: Site, start_ms: int) -> None:
        self.rng: Final = rng
        self.site: Final = site
        self.now_ms = start_ms
        self.said: Final[list[tuple[int, Fields]]] = []
        self.told = 0  # interactions, copies from other tabs not counted
        self.open = False
        self.agent: Fields | None = None
        self.ids: Final = self._ids()
        self.keyed_by_visitor: Final = "session_id" not in self.ids
        self.tabs: Final = [self.new_id() for _ in range(rng.choices((1, 2, 3), (60, 30, 10))[0])]
        self.tab = self.tabs[0]
        # Older chat boxes name neither interactions nor runs nor conversations.
        self.names_interactions: Final = self.chance(0.7)
        self.names_runs: Final = self.chance(0.7)
        self.names_conversations: Final = self.chance(0.7)
        self.conversation: str | None = None
        self.user_agent: Final = rng.choice(_AGENTS)
        self.ga: Final = self._ga(start_ms)
        self.page = self._page(self.site.pages[0], rng.choice(_REFERRERS))

    # -- who it is ----------------------------------------------------------------

    def new_id(self) -> str:
        """An id such as a chat box makes up."""
        return f"{self.rng.getrandbits(64):016x}"

    def _ids(self) -> Fields:
        ids = {"session_id": self.new_id(), "visitor_id": f"v-{self.new_id()}"}
        missing = self.rng.choices((None, "session_id", "visitor_id"), (75, 12, 13))[0]
        if missing:
            del ids[missing]
        if self.chance(0.15):
            ids["user_id"] = f"user-{self.rng.randrange(1, 5_000)}"
        return ids

    @property
    def key(self) -> str:
        """The session key, which is the record's key too."""
        if self.keyed_by_visitor:
            return f"{self.site.id}/v/{self.ids['visitor_id']}"
        return f"{self.site.id}/s/{self.ids['session_id']}"

    def _ga(self, start_ms: int) -> Fields | None:
        """What Google's scripts left in the browser: cookies in the forms they have in the wild."""
        rng = self.rng
        known = rng.choices(("cookies", "ids", "broken cookie", "blocked"), (72, 10, 3, 15))[0]
        if known == "blocked":
            return None
        start_s = start_ms // 1000
        first_s = start_s - rng.choice((0, 0, 86_400, 2_592_000)) - rng.randrange(60)
        client_id = f"{rng.randrange(10**8, 2**31)}.{first_s}"
        if known == "ids":
            return {"client_id": client_id, "session_id": str(start_s - 3)}
        cookies = {"_ga": f"GA1.{rng.choice((1, 2))}.{client_id}", "_fbp": f"fb.1.{first_s}123.{rng.randrange(10**9)}"}
        if known == "broken cookie":
            cookies["_ga"] = "GA1.1.deleted"
        for tracker in self._trackers():
            cookies[f"_ga_{tracker[2:]}"] = self._session_cookie(start_s - rng.randrange(20), start_s)
        return {"cookies": cookies}

    def _trackers(self) -> tuple[str, ...]:
        """GA4 ids whose scripts run on the site."""
        settings = self.site.settings or {}
        by_hand = settings.get("measurement_ids", [])
        chosen = settings.get("api_tracker")
        return tuple(t for t in (*self.site.on_page, *by_hand, *([chosen] if chosen else [])) if t.startswith("G-"))

    def _session_cookie(self, session_s: int, now_s: int) -> str:
        number = self.rng.randrange(1, 9)
        if self.chance(0.4):
            return f"GS1.1.{session_s}.{number}.1.{now_s}.60.0.0"
        items = (f"s{session_s}", f"o{number}", "g1", f"t{now_s}", "j60", "l0", "h0")
        return "GS2.1." + ("%24" if self.chance(0.25) else "$").join(items)

    def _page(self, page: tuple[str, str], referrer: str | None) -> Fields:
        path, title = page
        return {
            "url": f"{self.site.origin}{path}",
            "title": title,
            "referrer": referrer,
            "measurement_ids": list(self.site.on_page),
        }

    # -- what the scenes call -------------------------------------------------------

    def wait(self, least_s: float, most_s: float) -> None:
        """Time passes."""
        self.now_ms += round(self.rng.uniform(least_s, most_s) * 1000)

    def chance(self, share: float) -> bool:
        """Whether something that happens in this share of cases happens now."""
        return self.rng.random() < share

    def turn_to_page(self) -> None:
        """The next page, at times in another tab."""
        self.page = self._page(self.rng.choice(self.site.pages), self.page["url"])
        self.tab = self.rng.choice(self.tabs)

    def context(self) -> Fields:
        """What the box knows of the page, the browser and GA when a page has loaded."""
        known: Fields = {"page": self.page, "user_agent": self.user_agent, "language": self.site.language}
        return {**known, "ga": self.ga} if self.ga else known

    def automation(self, robot: Robot, run_id: str | None) -> Fields:
        """An automation as an interaction names it."""
        named: Fields = {"kind": robot.kind, "id": robot.id, "name": robot.name}
        return {**named, "run_id": run_id} if run_id else named

    def new_run(self) -> str | None:
        """The id of a run, if this chat box gives one."""
        return self.new_id() if self.names_runs else None

    def say(self, kind: str, **own: object) -> None:
        """The box reports an interaction; with several tabs open, most of them report the same one."""
        said: Fields = {
            "type": kind,
            "account_id": self.site.id,
            "timestamp": None,
            **self.ids,
            "tab_id": self.tab,
            **own,
        }
        if self.names_interactions:
            said["interaction_id"] = self.new_id()
        if kind in _IN_CONVERSATION and self.names_conversations:
            if self.conversation is None:
                self.conversation = self.new_id()
            said["conversation_id"] = self.conversation
        self.told += 1
        self._report(said, self.now_ms)
        if kind in _ONE_TAB:
            return
        for tab in self.tabs:
            if tab != self.tab and self.chance(0.8):
                self._report({**said, "tab_id": tab}, self.now_ms + self.rng.randrange(15, 1_800))

    def _report(self, said: Fields, at_ms: int) -> None:
        self.said.append((at_ms, {**said, "timestamp": self.written(at_ms)}))

    def written(self, at_ms: int) -> int | str:
        """A moment as this site's chat box writes it."""
        if self.site.times == "millis":
            return at_ms
        # From parts: a float of seconds would not hold every millisecond.
        moment = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
        if self.site.times == "zulu":
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return moment.astimezone(_SUMMER).isoformat(timespec="milliseconds")
