"""What may befall the endpoint: each says where, and what to do about it."""

from streams.errors import Chat2gaError, Fault

__all__ = ["CannotListen", "NoEndpoints", "Unwritten"]


class NoEndpoints(Chat2gaError):
    """Nobody has said which endpoints there are."""

    fault, retriable = Fault.OPERATOR, False

    def __str__(self) -> str:
        return "no endpoints are given: name their file by --endpoints or CHAT2GA_INGEST"


class CannotListen(Chat2gaError):
    """The endpoint's address cannot be opened."""

    fault, retriable = Fault.OPERATOR, True

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host, port, reason)
        self.host, self.port, self.reason = host, port, reason

    def __str__(self) -> str:
        return f"{self.host}:{self.port}: {self.reason}. Choose another CHAT2GA_INGEST_HOST or CHAT2GA_INGEST_PORT."


class Unwritten(Chat2gaError):
    """Kafka has not acknowledged a request's records.

    `begun` says whether they were handed over: then they may be on the topic all
    the same, some or all of them, and else none is.
    """

    fault, retriable = Fault.OPERATOR, True

    def __init__(self, topic: str, records: int, reason: str, begun: bool) -> None:  # noqa: FBT001 - pickled by position
        super().__init__(topic, records, reason, begun)
        self.topic, self.records, self.reason, self.begun = topic, records, reason, begun

    def __str__(self) -> str:
        whether = "they may be there all the same" if self.begun else "none of them was sent"
        return f"{self.topic}: {self.records} records not acknowledged ({self.reason}); {whether}. Send them again."
