"""How to reach the broker: the settings, in the words of aiokafka and of Faust."""

import ssl
from typing import Any, Final

from faust.auth import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT, SASLMechanism

from streams.errors import Chat2gaError, Fault
from streams.settings import BadSettings, Settings

__all__ = ["BadCertificates", "BrokerUnreachable", "client_options", "faust_credentials", "faust_urls", "servers"]

_PROTOCOLS: Final = {"plaintext": "PLAINTEXT", "tls": "SSL", "sasl_plaintext": "SASL_PLAINTEXT", "sasl_tls": "SASL_SSL"}


class BadCertificates(Chat2gaError):
    """Certificate files that cannot be used."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"certificates of CHAT2GA_BROKER_CA_FILE, _CERT_FILE, _KEY_FILE: {self.reason}"


class BrokerUnreachable(Chat2gaError):
    """No broker answers."""

    fault, retriable = Fault.OPERATOR, True

    def __init__(self, broker: str, reason: str) -> None:
        super().__init__(broker, reason)
        self.broker, self.reason = broker, reason

    def __str__(self) -> str:
        return (
            f"no Kafka broker answers at {self.broker} ({self.reason}). Set CHAT2GA_BROKER=kafka://host:port, "
            "start one with `docker compose up -d kafka`, or see everything without one: `make demo`."
        )


def servers(settings: Settings) -> list[str]:
    """`host:port` of each broker."""
    return [part.strip().removeprefix("kafka://").rstrip("/") for part in settings.broker.split(",")]


def client_options(settings: Settings) -> dict[str, Any]:
    """What every aiokafka client is made with."""
    options: dict[str, Any] = {
        "bootstrap_servers": servers(settings),
        "client_id": settings.group,
        "security_protocol": _PROTOCOLS[settings.broker_security],
    }
    if settings.broker_security in ("tls", "sasl_tls"):
        options["ssl_context"] = _tls(settings)
    if settings.broker_security in ("sasl_plaintext", "sasl_tls"):
        options["sasl_mechanism"] = settings.broker_sasl_mechanism
        options["sasl_plain_username"] = settings.broker_username
        options["sasl_plain_password"] = _password(settings)
    return options


def faust_urls(settings: Settings) -> list[str]:
    """The brokers as Faust takes them."""
    return [f"kafka://{server}" for server in servers(settings)]


def faust_credentials(settings: Settings) -> CredentialsT | None:
    """How Faust proves who it is; None in the clear."""
    tls = _tls(settings) if settings.broker_security in ("tls", "sasl_tls") else None
    if settings.broker_security in ("sasl_plaintext", "sasl_tls"):
        return SASLCredentials(
            username=settings.broker_username,
            password=_password(settings),
            mechanism=SASLMechanism(settings.broker_sasl_mechanism),
            ssl_context=tls,
        )
    return SSLCredentials(tls) if tls is not None else None


def _password(settings: Settings) -> str:
    """The password. Raises BadSettings where SASL lacks it, or the user."""
    given = {"BROKER_USERNAME": settings.broker_username, "BROKER_PASSWORD": settings.broker_password}
    missing = tuple(
        f"CHAT2GA_{name}: missing, and CHAT2GA_BROKER_SECURITY={settings.broker_security} needs it"
        for name, value in given.items()
        if not value
    )
    if missing or settings.broker_password is None:
        raise BadSettings(missing)
    return settings.broker_password.get_secret_value()


def _tls(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.broker_ca_file)
        if settings.broker_cert_file:
            context.load_cert_chain(settings.broker_cert_file, settings.broker_key_file)
    except (OSError, ssl.SSLError) as error:
        raise BadCertificates(str(error)) from None
    return context
