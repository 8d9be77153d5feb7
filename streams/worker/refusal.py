"""Why a broker cannot be used: each is asked once more, by hand, for what the client library keeps to itself.

aiokafka tries one broker after the other and says in the end that it reached
none. What an operator has to mend (an expired certificate, a password) is known
only at the connection itself.
"""

import asyncio
import ssl
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from streams.errors import Chat2gaError, Fault
from streams.settings import Settings
from streams.worker.broker import BrokerUnreachable, client_options, servers

__all__ = ["BrokerRefuses", "why_unreachable"]

_ASK_S: Final = 5.0
# Of OpenSSL's x509_vfy.h.
_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_UNKNOWN_AUTHORITY: Final = (18, 19, 20, 21)
_OTHER_HOST: Final = (62, 64)


class BrokerRefuses(Chat2gaError):
    """A broker is there, and either side does not take the other: certificates, passwords, protocols."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, server: str, reason: str, remedy: str) -> None:
        super().__init__(server, reason, remedy)
        self.server, self.reason, self.remedy = server, reason, remedy

    def __str__(self) -> str:
        return f"Kafka broker {self.server}: {self.reason}. {self.remedy}"


async def why_unreachable(settings: Settings, otherwise: str) -> Chat2gaError:
    """The error to tell: of the first broker that is there and refuses; `otherwise` where none answers at all."""
    for server in servers(settings):
        refusal = await _refusal(settings, server)
        if refusal is not None:
            return refusal
    return BrokerUnreachable(settings.broker, otherwise)


async def _refusal(settings: Settings, server: str) -> BrokerRefuses | None:
    host, _, port = server.rpartition(":")
    options = {name: value for name, value in client_options(settings).items() if name != "bootstrap_servers"}
    try:
        async with asyncio.timeout(_ASK_S):
            connection = await create_conn(host.strip("[]"), int(port), **options)
            try:
                await connection.send(MetadataRequest([]))  # a port with SASL answers in the clear up to here
            finally:
                connection.close()
    except ssl.SSLCertVerificationError as error:
        return BrokerRefuses(server, *_untrusted(error, host))
    except ssl.SSLError as error:
        return BrokerRefuses(server, *_no_tls(error))
    except (KafkaError, OSError, TimeoutError) as error:
        found = _refused(settings, error)
        return BrokerRefuses(server, *found) if found else None
    return None


def _untrusted(error: ssl.SSLCertVerificationError, host: str) -> tuple[str, str]:
    """Reason and remedy: the broker's certificate does not hold."""
    code = error.verify_code
    if code == _EXPIRED:
        return "its certificate has expired", "Renew the broker's certificate."
    if code == _NOT_YET_VALID:
        return "its certificate is not valid yet", "Check the clocks of this machine and of whoever signed it."
    if code in _OTHER_HOST:
        remedy = (
            "Name the broker in CHAT2GA_BROKER as its certificate does, or have it signed for this name too "
            "(advertised.listeners count as well)."
        )
        return f"its certificate is not for {host}", remedy
    if code in _UNKNOWN_AUTHORITY:
        return (
            f"its certificate is signed by an authority that is not known here ({error.verify_message})",
            "Set CHAT2GA_BROKER_CA_FILE to that authority's certificate.",
        )
    return f"its certificate does not hold: {error.verify_message}", "Mend it, or CHAT2GA_BROKER_CA_FILE."


def _no_tls(error: ssl.SSLError) -> tuple[str, str]:
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if "certificate required" in reason:
        return (
            "it wants a certificate of its clients",
            "Set CHAT2GA_BROKER_CERT_FILE and CHAT2GA_BROKER_KEY_FILE to one that its authority has signed.",
        )
    return (
        f"TLS fails ({reason})",
        "Check that this port speaks TLS, and CHAT2GA_BROKER_SECURITY; a refused client certificate reads so too.",
    )


def _refused(settings: Settings, error: Exception) -> tuple[str, str] | None:
    """Reason and remedy where somebody is there; None where nobody answers."""
    if isinstance(error, SaslAuthenticationFailed):
        return (
            f"it does not take the password of user {settings.broker_username!r} ({settings.broker_sasl_mechanism})",
            "Check CHAT2GA_BROKER_USERNAME and CHAT2GA_BROKER_PASSWORD.",
        )
    if isinstance(error, (UnsupportedSaslMechanismError, IllegalSaslStateError)):
        return (
            f"it does not speak SASL {settings.broker_sasl_mechanism} at this port",
            "Check CHAT2GA_BROKER_SASL_MECHANISM and CHAT2GA_BROKER_SECURITY.",
        )
    if isinstance(error, (ConnectionRefusedError, TimeoutError)) or not isinstance(error, (KafkaError, OSError)):
        return None
    if isinstance(error, OSError) and not isinstance(error, ConnectionError):
        return None  # a name that is unknown, a network that is not there
    # TLS 1.3 tells of a client certificate that is missing or refused once the handshake is over, by closing.
    own = " and that it takes the certificate of CHAT2GA_BROKER_CERT_FILE, if it asks for one"
    remedy = (
        f"Check that this port speaks what CHAT2GA_BROKER_SECURITY={settings.broker_security} says"
        f"{own if settings.broker_security in ('tls', 'sasl_tls') else ''}."
    )
    return f"it closed the connection ({type(error).__name__})", remedy
