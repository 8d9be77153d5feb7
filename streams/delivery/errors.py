"""Errors of delivery. What GA does is no error here: it is an answer, and ends in a receipt or another try."""

from streams.errors import Chat2gaError, Fault

__all__ = ["CannotPost"]


class CannotPost(Chat2gaError):
    """A request that the HTTP client will not send, whoever receives it: trying again cannot help.

    Never carries the client's own error: its text may hold the address, and the
    address holds the secret.
    """

    fault, retriable = Fault.US, False

    def __init__(self, tracker_id: str, kind: str) -> None:
        super().__init__(tracker_id, kind)
        self.tracker_id, self.kind = tracker_id, kind

    def __str__(self) -> str:
        return (
            f"a request for tracker {self.tracker_id} could not be made ({self.kind}). Nothing is lost: its events are "
            "not committed. Check GA_ENDPOINT; if it is right, this is a bug in chat2ga: please report it."
        )
