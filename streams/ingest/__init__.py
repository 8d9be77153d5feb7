"""Ingest: an HTTP endpoint for webhooks and raw interactions, which go to Kafka before the sender is answered."""

from streams.ingest.endpoints import Endpoint, Served, endpoints_from, read_endpoints
from streams.ingest.errors import CannotListen, NoEndpoints, Unwritten
from streams.ingest.process import run_ingest

__all__ = [
    "CannotListen",
    "Endpoint",
    "NoEndpoints",
    "Served",
    "Unwritten",
    "endpoints_from",
    "read_endpoints",
    "run_ingest",
]
