"""Packing: events in, requests out. Pure.

A request names its tracker and its account and holds no secret: that is put into
its address where it is posted, and nowhere else.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from schemas.account import Account
from streams.measurement import ga4, ua
from streams.measurement.due import Due, Protocol, protocol_of
from streams.measurement.limits import BATCH_BYTES, BODY_BYTES, EVENTS_PER_REQUEST, HITS_PER_BATCH
from streams.measurement.notes import Note, Notes

__all__ = ["HOSTS", "PATHS", "Rejected", "Request", "host_of", "pack"]

HOSTS: Final[dict[Literal["global", "eu"], str]] = {
    "global": "https://www.google-analytics.com",
    "eu": "https://region1.google-analytics.com",
}
"""By region. Source: the GA4 protocol's reference, Transport."""


def host_of(region: str, endpoint: str | None) -> str:
    """Where requests of a region go: to Google, or to the endpoint in its place."""
    return endpoint or HOSTS["eu" if region == "eu" else "global"]


PATHS: Final[dict[Protocol, str]] = {"ga4": "/mp/collect", "ua": "/collect"}
_BATCH: Final = "/batch"
_TYPES: Final[dict[Protocol, str]] = {"ga4": "application/json", "ua": "application/x-www-form-urlencoded"}
_BATCH_TYPE: Final = "text/plain"  # a hit a line is no form

_NO_TRACKER: Final = "a tracker is G-… or UA-…"
_NO_CLIENT: Final = "client_id is required"


class Rejected(msgspec.Struct, frozen=True):
    """An event that breaks a rule of Google's which nothing can mend: it is not sent."""

    due: Due
    note: Note


class Request(msgspec.Struct, frozen=True):
    """One request, of one client at one tracker: up to 25 events of GA4, a UA hit, or a batch of up to 20."""

    protocol: Protocol
    account_id: str
    tracker_id: str
    dues: tuple[Due, ...]
    encoded: bytes
    notes: tuple[Note, ...] = ()

    @property
    def path(self) -> str:
        """Where on the host it goes."""
        return _BATCH if self._is_batch else PATHS[self.protocol]

    @property
    def content_type(self) -> str:
        """Of its body."""
        return _BATCH_TYPE if self._is_batch else _TYPES[self.protocol]

    @property
    def _is_batch(self) -> bool:
        return self.protocol == "ua" and len(self.dues) > 1

    @property
    def needs_secret(self) -> bool:
        """Whether the tracker takes it only with its secret."""
        return self.protocol == "ga4"

    def body_at(self, now_micros: int) -> bytes:
        """The body, as sent now."""
        if self.protocol == "ga4":
            return self.encoded
        hits = zip(self.encoded.split(b"\n"), self.dues, strict=True)
        return b"\n".join([ua.with_age(hit, due.event, now_micros) for hit, due in hits])

    def notes_of(self, due: Due) -> str | None:
        """What was done to one of its events, in a sentence."""
        if not self.notes:
            return None
        return "; ".join(str(note) for note in self.notes if note.event_id == due.event.event_id) or None


def pack(dues: Sequence[Due], account: Account, now_micros: int) -> list[Request | Rejected]:
    """The requests of one lane, in the order of its events.

    All of `dues` are of one account, tracker and client. Neighbours share a
    request while all that GA takes once a request is the same and there is room;
    an event never passes another. Every one is in exactly one item of what is
    returned.
    """
    protocol = protocol_of(dues[0].tracker.id) if dues else None
    if protocol == "ga4":
        return _ga4(dues, now_micros)
    if protocol == "ua":
        return _ua(dues, account)
    return [Rejected(due, Note(due.event.event_id, "trackers", _NO_TRACKER, "rejected")) for due in dues]


def _no_client(due: Due) -> Rejected | None:
    """Nothing stands in for a client id: another one is another visitor."""
    if due.event.client_id.strip():
        return None
    return Rejected(due, Note(due.event.event_id, "client_id", _NO_CLIENT, "rejected"))


class _Hit(msgspec.Struct, frozen=True):
    """A hit made ready, all but its age."""

    due: Due
    encoded: bytes
    size: int
    notes: tuple[Note, ...]


def _ua(dues: Iterable[Due], account: Account) -> list[Request | Rejected]:
    packed: list[Request | Rejected] = []
    batch: list[_Hit] = []
    for due in dues:
        item = _hit(due, account)
        if isinstance(item, Rejected):
            packed.append(item)
            continue
        size = sum(hit.size + 1 for hit in batch) + item.size  # a line break between two
        if batch and (len(batch) == HITS_PER_BATCH.most or size > BATCH_BYTES.most):
            packed.append(_batch(batch))
            batch = []
        batch.append(item)
    if batch:
        packed.append(_batch(batch))
    return packed


def _hit(due: Due, account: Account) -> _Hit | Rejected:
    rejected = _no_client(due)
    if rejected is not None:
        return rejected
    notes = Notes(due.event.event_id)
    encoded = ua.hit(due, account.naming, notes)
    if encoded is None:
        return Rejected(due, notes.taken[-1])
    return _Hit(due, encoded, ua.size_of(encoded, due.event), tuple(notes.taken))


def _batch(hits: Sequence[_Hit]) -> Request:
    first = hits[0].due
    return Request(
        "ua",
        first.event.account_id,
        first.tracker.id,
        tuple([hit.due for hit in hits]),
        b"\n".join([hit.encoded for hit in hits]),
        tuple([note for hit in hits for note in hit.notes]),
    )


def _ga4(dues: Iterable[Due], now_micros: int) -> list[Request | Rejected]:
    packed: list[Request | Rejected] = []
    box: _Box | None = None
    for due in dues:
        item = _item(due, now_micros)
        if isinstance(item, Rejected):
            packed.append(item)
            continue
        if box is None or not box.takes(item):
            if box is not None:
                packed.append(box.request())
            box = _Box(item)
        box.put(item)
    if box is not None:
        packed.append(box.request())
    return packed


class _Item(msgspec.Struct, frozen=True):
    """An event made ready, and what GA takes beside it once a request."""

    due: Due
    head: ga4.Head
    event: bytes
    notes: tuple[Note, ...]


def _item(due: Due, now_micros: int) -> _Item | Rejected:
    rejected = _no_client(due)
    if rejected is not None:
        return rejected
    notes = Notes(due.event.event_id)
    head, event = ga4.head(due.event, notes), ga4.encoded_event(due, now_micros, notes)
    if not _fits(head, event):
        if head.user_agent is not None:
            # Of all that is in a body, the user agent alone has no limit of its own.
            notes.take("user_agent", BODY_BYTES, "left out")
            head = msgspec.structs.replace(head, user_agent=None)
        if not _fits(head, event):
            return Rejected(due, Note(due.event.event_id, "$", str(BODY_BYTES), "rejected"))
    return _Item(due, head, event, tuple(notes.taken))


_ESCAPED: Final = 6  # bytes that a character takes at most: `\u0000`; any other has four
_ROOM: Final = 400  # for all else in a head: names, consent and signs


def _fits(head: ga4.Head, event: bytes) -> bool:
    texts = len(head.client_id) + len(head.user_id or "") + len(head.user_agent or "")
    if len(event) + texts * _ESCAPED + _ROOM <= BODY_BYTES.most:
        return True  # nearly always, and known without encoding it
    return len(ga4.body(ga4.encoded_head(head), [event])) <= BODY_BYTES.most


class _Box:
    """A request being filled."""

    __slots__ = ("_encoded_head", "_items", "_size")

    def __init__(self, first: _Item) -> None:
        self._items: list[_Item] = []
        self._encoded_head = ga4.encoded_head(first.head)
        self._size = len(ga4.body(self._encoded_head, [])) - 1  # the first event has no comma before it

    def takes(self, item: _Item) -> bool:
        """Whether there is room, and it is the same client in the same circumstances."""
        return (
            item.head == self._items[0].head
            and len(self._items) < EVENTS_PER_REQUEST.most
            and self._size + 1 + len(item.event) <= BODY_BYTES.most
        )

    def put(self, item: _Item) -> None:
        self._items.append(item)
        self._size += 1 + len(item.event)

    def request(self) -> Request:
        first = self._items[0].due
        return Request(
            "ga4",
            first.event.account_id,
            first.tracker.id,
            tuple([item.due for item in self._items]),
            ga4.body(self._encoded_head, [item.event for item in self._items]),
            tuple([note for item in self._items for note in item.notes]),
        )
