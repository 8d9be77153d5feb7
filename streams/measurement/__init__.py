"""Measurement: what Google Analytics takes. Pure: events in, requests out; a status in, a verdict out."""

from streams.measurement.answers import Answer, answer_of, no_answer
from streams.measurement.due import Due, Lane, expires_micros, is_expired, lane_of, protocol_of
from streams.measurement.limits import LIMITS, Limit
from streams.measurement.notes import Note
from streams.measurement.requests import HOSTS, Rejected, Request, host_of, pack

__all__ = [
    "HOSTS",
    "LIMITS",
    "Answer",
    "Due",
    "Lane",
    "Limit",
    "Note",
    "Rejected",
    "Request",
    "answer_of",
    "expires_micros",
    "host_of",
    "is_expired",
    "lane_of",
    "no_answer",
    "pack",
    "protocol_of",
]
