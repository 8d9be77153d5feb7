"""A Kafka behind every kind of lock: one node with a listener for each way of TLS and SASL.

By the name of its listener: what a worker meets there, and nothing else differs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from tests.kafka.certificates import Authority
from tests.kafka.cluster import KafkaCluster

__all__ = ["PASSWORD", "USER", "SecureKafka", "secured"]

USER: Final = "worker"
PASSWORD: Final = "correct-horse-battery"
_OPERATOR: Final = "an-operators-own"
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

_PROTOCOLS: Final = {
    "TLS": "SSL",
    "EXPIRED": "SSL",
    "OTHERHOST": "SSL",
    "STRANGER": "SSL",
    "MUTUAL": "SSL",
    "SASL": "SASL_PLAINTEXT",
    "SASLTLS": "SASL_SSL",
}


class SecureKafka(NamedTuple):
    """The cluster, the authority that signed what is right there, and a certificate for a client."""

    cluster: KafkaCluster
    authority: Path
    client: Path

    @property
    def bootstrap(self) -> str:
        """Where anybody may do anything, in the clear."""
        return self.cluster.bootstrap

    @property
    def url(self) -> str:
        """The same, as CHAT2GA_BROKER wants it."""
        return self.cluster.url


@contextmanager
def secured(directory: Path) -> Iterator[SecureKafka]:
    """One node. `USER` may do everything but what an ACL denies it; in the clear nobody has to say who he is."""
    authority, stranger = Authority(directory, "authority"), Authority(directory, "stranger")
    right = authority.sign("right", "127.0.0.1", "localhost")
    certificates = {
        "TLS": right,
        "SASLTLS": right,
        "MUTUAL": right,
        "EXPIRED": authority.sign("expired", "127.0.0.1", ends_in=-timedelta(days=1)),
        "OTHERHOST": authority.sign("kafka.example.org"),
        "STRANGER": stranger.sign("strangers", "127.0.0.1"),
    }
    properties = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "allow.everyone.if.no.acl.found": "true",
        "sasl.enabled.mechanisms": ",".join(_MECHANISMS),
    }
    for listener, certificate in certificates.items():
        at = f"listener.name.{listener.lower()}.ssl"
        properties |= {f"{at}.keystore.type": "PEM", f"{at}.keystore.location": str(certificate)}
    properties |= {
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.truststore.location": str(authority.file),
    }
    for listener in ("sasl", "sasltls"):
        at = f"listener.name.{listener}"
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        properties[f"{at}.plain.sasl.jaas.config"] = (
            f'{plain} username="operator" password="{_OPERATOR}" user_{USER}="{PASSWORD}";'
        )
        for mechanism in ("scram-sha-256", "scram-sha-512"):
            properties[f"{at}.{mechanism}.sasl.jaas.config"] = (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            )
    scram = [f"{mechanism}=[name={USER},password={PASSWORD}]" for mechanism in _MECHANISMS[1:]]
    with KafkaCluster(properties=properties, listeners=_PROTOCOLS, scram=scram) as cluster:
        yield SecureKafka(cluster, authority.file, authority.sign("client", "client.example.org"))
