"""Errors of delivery. What GA does is no error here: it is an answer, and ends in a receipt or another try."""

from streams.errors import Chat2gaError, Fault

__all__ = ["CannotPost", "CannotValidate"]

_UNAUTHORISED = (401, 403)
_NOT_FOUND = 404


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


class CannotValidate(Chat2gaError):
    """A validation server that does not say whether events are right. Carries no address: that holds the secret."""

    fault, retriable = Fault.OPERATOR, True

    def __init__(self, host: str, why: str, status: int) -> None:
        super().__init__(host, why, status)
        self.host, self.why, self.status = host, why, status

    def __str__(self) -> str:
        return f"{self.host}: the validation server was asked in vain: {self.why}. {self._remedy()}"

    def _remedy(self) -> str:
        if self.status in _UNAUTHORISED:
            return "Check the API secret of the tracker in accounts.toml, and who may use the endpoint."
        if self.status == _NOT_FOUND:
            return "Nothing there answers at /debug/mp/collect: unset CHAT2GA_GA_ENDPOINT to ask Google's."
        if self.status:
            return "Try again later; if it stays so, check CHAT2GA_GA_ENDPOINT."
        return "Check the way there (DNS, firewall, proxy) and CHAT2GA_GA_ENDPOINT."
