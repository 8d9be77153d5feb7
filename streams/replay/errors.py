"""Errors of a replay: inputs that cannot be read, outputs that cannot be written, and what to do about it."""

from streams.errors import Chat2gaError, Fault

__all__ = [
    "BadInput",
    "BadOutput",
    "DamagedWork",
    "ManySessions",
    "NoRoom",
    "NoSession",
    "NotSupported",
    "OtherReplay",
    "ProcessDied",
]


class NotSupported(Chat2gaError):
    """An input or output of a form that this version does not know."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, what: str, given: str, supported: str) -> None:
        super().__init__(what, given, supported)
        self.what, self.given, self.supported = what, given, supported

    def __str__(self) -> str:
        return f"{self.what} {self.given!r}: not supported. Supported: {self.supported}."


class BadInput(Chat2gaError):
    """An input that cannot be read to its end. Nothing was written."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class BadOutput(Chat2gaError):
    """An output that cannot be written. What stood there before still does."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class NoRoom(Chat2gaError):
    """The disk is full, or a quota is used up. Nothing was written."""

    fault, retriable = Fault.OPERATOR, True

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where

    def __str__(self) -> str:
        return (
            f"{self.where}: no space left. What is sorted takes a fifth of its input unpacked, and its output once "
            "more: make room there, or name another place: TMPDIR=/path for temporary files, --work or --to for theirs."
        )


class ProcessDied(Chat2gaError):
    """A process of the replay was ended from outside. Nothing was written."""

    fault, retriable = Fault.OPERATOR, True

    def __str__(self) -> str:
        return (
            "a process of this replay was killed, most likely for want of memory. "
            "Fewer at once need less: try `--jobs 1`."
        )


class NoSession(Chat2gaError):
    """No interaction of the input belongs to the session asked for, or none sent the event."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what, hint)
        self.what, self.hint = what, hint

    def __str__(self) -> str:
        return f"{self.what}. {self.hint}"


class ManySessions(Chat2gaError):
    """More sessions are what was asked for than can be explained at once: of a name, more than one."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, asked: str, keys: tuple[str, ...], count: int) -> None:
        super().__init__(asked, keys, count)
        self.asked, self.keys, self.count = asked, keys, count

    def __str__(self) -> str:
        more = f" and {self.count - len(self.keys)} more" if self.count > len(self.keys) else ""
        return (
            f"{self.asked}: there are {self.count} such sessions: {', '.join(self.keys)}{more}. "
            "Give one of these as --session, or its account as --account."
        )


class DamagedWork(Chat2gaError):
    """What a replay has kept cannot be read any more."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, directory: str, reason: str) -> None:
        super().__init__(directory, reason)
        self.directory, self.reason = directory, reason

    def __str__(self) -> str:
        return (
            f"{self.directory}: what is kept there is damaged ({self.reason}). Name another directory; or remove it, "
            "and begin anew, if nothing of it was sent anywhere."
        )


class OtherReplay(Chat2gaError):
    """A directory of work holds that of another replay."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, directory: str, what: str) -> None:
        super().__init__(directory, what)
        self.directory, self.what = directory, what

    def __str__(self) -> str:
        return (
            f"{self.directory}: this is the work of another replay: its {self.what} are not the same. "
            f"Name another directory; or remove {self.directory}, and begin anew, if nothing of it was sent anywhere."
        )
