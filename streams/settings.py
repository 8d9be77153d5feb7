"""Settings: the only reader of the environment (CONTRACT §7).

`CHAT2GA_…` in the environment wins over the TOML file named by `--config`.
Whatever is wrong is told at once, each setting by its name and never by its
value, which may be a secret.
"""

import os
import re
import time
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from streams.configuration import read_toml
from streams.errors import Chat2gaError, Fault
from streams.sources import FORMATS

__all__ = ["BadSettings", "Settings", "effective", "load_settings", "secret"]

PREFIX: Final = "CHAT2GA_"


class BadSettings(Chat2gaError):
    """Settings that cannot be used: every one of them, with what was expected."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "settings: " + "; ".join(self.faults)


def _broker(given: str) -> str:
    for part in given.split(","):
        url = urlsplit(part.strip())
        if url.scheme != "kafka" or not url.hostname or url.port is None or "@" in url.netloc:
            raise ValueError("expected kafka://host:port, or several with commas between; no password stands there")
    return given


def _endpoint(given: str | None) -> str | None:
    if not given:
        return None
    try:
        url = urlsplit(given)
        # What stands behind "?" or "#" would take the path of every request with it.
        is_base = _is_text(given) and not re.search(r"[?#;\s]", given) and "@" not in url.netloc and url.port != 0
        is_right = is_base and url.scheme in ("http", "https") and bool((url.hostname or "").encode("idna"))
    except ValueError:  # no such port, address or name
        is_right = False
    if not is_right:
        raise ValueError("expected http://host[:port] or https://…, without a query or a password")
    return given.rstrip("/")


def _sources(given: str) -> str:
    unknown = [name for name in _listed(given) if name not in FORMATS]
    if unknown:
        raise ValueError(f"expected formats with commas between, of {', '.join(FORMATS)}")
    return given


def _listed(given: str) -> tuple[str, ...]:
    """What stands between the commas, each once."""
    return tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))


def _is_text(given: str) -> bool:
    """Whether it is what it looks like: bytes of the environment that are no UTF-8 come as half characters."""
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


class Settings(BaseSettings):
    """All settings; each is read from `CHAT2GA_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True)

    broker: Annotated[str, AfterValidator(_broker)] = Field(
        "kafka://127.0.0.1:9092", description="Kafka to work on: `kafka://host:port`, or several with commas between."
    )
    broker_security: Literal["plaintext", "tls", "sasl_plaintext", "sasl_tls"] = Field(
        "plaintext", description="How to speak to it: in the clear, over TLS, with SASL, or with both."
    )
    broker_ca_file: Path | None = Field(
        None, description="Authorities that the broker's certificate is checked against; the system's by default."
    )
    broker_cert_file: Path | None = Field(None, description="Client certificate, for TLS that wants one.")
    broker_key_file: Path | None = Field(None, description="Key of the client certificate.")
    broker_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="SASL mechanism."
    )
    broker_username: str | None = Field(None, description="SASL user.")
    broker_password: SecretStr | None = Field(None, description="SASL password. Never shown.")
    group: str = Field(
        "chat2ga", min_length=1, pattern=r"^[A-Za-z0-9_-]+$", description="Consumer group and Faust app id."
    )
    topic_prefix: str = Field("", pattern=r"^[A-Za-z0-9_-]*$", description="Put before every topic name.")
    partitions: int = Field(4, ge=1, le=10_000, description="Partitions of the topics that chat2ga creates.")
    replication_factor: int = Field(
        1, ge=1, le=16, description="Copies of each partition of the topics that chat2ga creates."
    )
    state_dir: Path = Field(Path("chat2ga-state"), description="Where the local store lies.")
    processes: int = Field(
        1,
        ge=1,
        le=256,
        description="Processes of one worker, to use its machine's cores: at most as many as there are partitions.",
    )
    store: Literal["rocksdb", "memory"] = Field(
        "rocksdb", description="Local store of the tables: on disk, or none: then a start reads the whole changelog."
    )
    accounts: Path | None = Field(None, description="Path of accounts.toml.")
    rules: Path | None = Field(None, description="Path of rules.toml.")
    ga_endpoint: Annotated[str | None, AfterValidator(_endpoint)] = Field(
        None, description="Base URL in place of Google's, for a proxy or a collector."
    )
    ga_in_flight: int = Field(32, ge=1, le=1_000, description="Requests to GA in flight at once, over all partitions.")
    ga_timeout_s: float = Field(
        10.0, gt=0, description="For one request to GA, from connecting to the answer's status."
    )
    ga_tracker_per_s: float = Field(
        0.0, ge=0, description="Requests a second to one tracker, with a burst of a second's; 0: no limit."
    )
    processing_guarantee: Literal["at_least_once", "exactly_once"] = Field(
        "at_least_once",
        description="`exactly_once`: outputs, state and offsets in Kafka transactions; read the topics with "
        "`isolation.level=read_committed`. Change it with all workers stopped.",
    )
    idempotence: bool = Field(default=True, description="Idempotent producers. Off only for a broker that has none.")
    http_host: str = Field("127.0.0.1", description="Address of health, metrics and dashboard; 0.0.0.0 for all.")
    http_port: int = Field(6066, ge=0, le=65_535, description="Port of health, metrics and dashboard; 0: none.")
    max_run: int = Field(8_000, ge=1, le=100_000, description="Records a run at most.")
    runs_in_flight: int = Field(2, ge=1, le=64, description="Runs of a partition that may await the broker at once.")
    commit_interval_s: float = Field(1.0, gt=0, description="How often input offsets are committed.")
    rekey: bool = Field(
        default=False, description="Re-key the input first, where its record key is not the session key."
    )
    sources: Annotated[str, AfterValidator(_sources)] = Field(
        "",
        description="Formats of other chat systems, with commas between: records in `chat-source-<format>` are "
        "translated into `chat-interactions`. " + f"Known are {', '.join(f'`{name}`' for name in FORMATS)}.",
    )
    mapping: Path | None = Field(None, description="Path of the mapping file of `SOURCES`.")
    ingest: Path | None = Field(None, description="Path of the file with the endpoints of `chat2ga ingest`.")
    ingest_host: str = Field("127.0.0.1", description="Address of `chat2ga ingest`; 0.0.0.0 for all.")
    ingest_port: int = Field(6067, ge=1, le=65_535, description="Port of `chat2ga ingest`.")
    ingest_max_bytes: int = Field(
        1_048_576, ge=1, le=67_108_864, description="Bytes of a request to it at most; a larger one is answered 413."
    )
    ingest_in_flight: int = Field(
        64, ge=1, le=10_000, description="Requests that it works on at once; one more is answered 503."
    )
    ingest_timeout_s: float = Field(
        4.0,
        gt=0,
        le=60,
        description="How long it waits for a request's body, and then for Kafka's acknowledgement, before it answers "
        "408 or 503.",
    )
    dead_letter_share: float = Field(
        0.5, gt=0, le=1, description="The worker stops when more than this share of a window dead-letters."
    )
    dead_letter_window: int = Field(1_000, ge=1, description="Records in that window.")
    idle_before_removal_s: float = Field(
        600.0, ge=0, description="Record time without a record of it before a session past its gap is removed."
    )
    session_timeout_s: float = Field(30.0, gt=0, description="After this silence the group takes a worker for dead.")
    heartbeat_s: float = Field(3.0, gt=0, description="How often a worker tells the group that it lives.")
    rebalance_timeout_s: float = Field(
        60.0, gt=0, description="How long the group waits for a worker to join a rebalance."
    )
    topics_create: bool = Field(
        default=True, description="Create missing topics from the catalogue. Off where only an administrator may."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")
    log_format: Literal["console", "json"] = Field("console", description="For people, or for machines.")

    _config_file: Path | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        del dotenv_settings, file_secret_settings
        file = TomlConfigSettingsSource(settings_cls, toml_file=_FileOf.config) if _FileOf.config else None
        return (init_settings, env_settings, *((file,) if file else ()))

    @property
    def source_formats(self) -> tuple[str, ...]:
        """The formats of `SOURCES`."""
        return _listed(self.sources)

    def topic(self, name: str) -> str:
        """A topic's name with the prefix."""
        return f"{self.topic_prefix}{name}"


class _FileOf:
    """The TOML file of the settings being read: pydantic-settings builds its sources inside the class."""

    config: Path | None = None


def load_settings(config: Path | None = None, **given: Any) -> Settings:  # noqa: ANN401 - each is checked by its field
    """The settings of this process. `given`, from the command line, wins over everything.

    Raises BadSettings with every fault: a file that is not there or no TOML, an
    unknown setting in it, a value that does not fit.
    """
    if config is not None:
        _check_file(config)
    _FileOf.config = config
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = tuple(
            f"{PREFIX}{'.'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise BadSettings(faults) from None
    finally:
        _FileOf.config = None


def _check_file(config: Path) -> None:
    unknown = [name for name in read_toml(config) if name not in Settings.model_fields]
    if unknown:
        known = ", ".join(Settings.model_fields)
        raise BadSettings(tuple(f"{config}: {name}: unknown setting; known are {known}" for name in unknown))


def effective(settings: Settings) -> dict[str, str]:
    """Every setting as it stands, secrets masked, for `chat2ga check`."""
    shown = settings.model_dump(mode="json")
    return {f"{PREFIX}{name.upper()}": "" if value is None else str(value) for name, value in shown.items()}


_Mark = tuple[int, int, int, int, int]
_read_secrets: Final[dict[str, tuple[_Mark, str]]] = {}
"""By path: what the file was when it was read (written and changed when, how long, which), and what stood in it."""
_NO_MARK: Final = (0, 0, 0, 0, 0)
_YOUNG_NS: Final = 2_000_000_000
"""A file system's clock may stand still for so long: two changes within it may leave the same mark."""


def secret(source: str) -> str | None:
    """The secret that `env:NAME` or `file:PATH` stands for, as it is now; None: there is none.

    Asked at each use, so that a rotation needs no restart; a file is read again
    only once it has changed. White space around it is the editor's. A link is
    followed at each use, as Kubernetes replaces one to change a whole volume.
    A file that was emptied a moment ago is about to be written: until then the
    secret that it held stands.
    """
    kind, _, place = source.partition(":")
    if kind == "env":
        text = os.environ.get(place, "").strip()
        return text if text and _is_text(text) else None
    try:
        found = os.stat(place)  # noqa: PTH116 - at every request: a Path costs as much again
        # The time of the change too: nobody can set it back, as `cp -p` does that of the writing.
        mark = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev)
        known = _read_secrets.get(place)
        if known is not None and known[0] == mark:
            return known[1] or None
        text = Path(place).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    if abs(time.time_ns() - found.st_ctime_ns) > _YOUNG_NS:
        _read_secrets[place] = (mark, text)
    elif text:
        _read_secrets[place] = (_NO_MARK, text)
    elif known is not None:
        return known[1] or None
    return text or None
