"""What waiting for company would save: requests an event, by how long an event may wait for others of its client.

    python -m benchmarks.lingering [--sessions 3000]

Sample sessions go through the core as they arrive; the events of each client and
tracker are packed as `streams.measurement.pack` does it, a request closing that long
after its first event, with 25 events, or where Google takes no more together. Waits
are in the records' own time. `all at once` is a backlog: whatever a run holds of a
client is already there. Nothing is measured by the clock: the same each time.
"""

import argparse
from collections import defaultdict
from typing import Final

from schemas.account import Accounts
from schemas.ga_event import GaEvent, Tracker
from schemas.interaction import Fault, Unknown
from schemas.session import Session
from streams.attribution import RuleBook, step
from streams.demo.traffic import Mix, sessions
from streams.measurement import Due, Lane, lane_of, pack

TRACKER: Final = Tracker("G-ABC1234567", "1700000000")  # sample pages name none, accounts do; one stands for all
WAITS_S: Final = (0.0, 0.5, 2.0, 5.0, 15.0, 60.0, float("inf"))


def arrivals(count: int) -> dict[Lane, list[tuple[float, Due]]]:
    """Each lane's events with the arrival, in seconds, of the record that made them."""
    rules, held = RuleBook(), dict[bytes | None, Session]()
    lanes: dict[Lane, list[tuple[float, Due]]] = defaultdict(list)
    for record in sessions(1, count, mix=Mix(bad=0, unknown=0)):
        decoded = rules.decode(record.value, record.arrival_ms)
        assert not isinstance(decoded, (Fault, Unknown))
        decision = step(held.get(record.key), decoded, rules.of(decoded.account_id))
        held[record.key] = decision.session
        for event in decision.events:
            _add(lanes, event, record.arrival_ms / 1_000)
    return lanes


def _add(lanes: dict[Lane, list[tuple[float, Due]]], event: GaEvent, at_s: float) -> None:
    due = Due(event, TRACKER)
    lanes[lane_of(due)].append((at_s, due))


def requests(lane: Lane, events: list[tuple[float, Due]], wait_s: float) -> int:
    """How many requests a lane's events take."""
    account, made = Accounts({}).of(lane[0]), 0
    group: list[Due] = []
    began_s = 0.0
    for at_s, due in events:
        if group and at_s - began_s > wait_s:
            made += len(pack(group, account, due.event.timestamp_micros))
            group = []
        if not group:
            began_s = at_s
        group.append(due)
    return made + len(pack(group, account, group[-1].event.timestamp_micros))


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lingering")
    parser.add_argument("--sessions", type=int, default=3_000)
    lanes = arrivals(parser.parse_args().sessions)
    events = sum(map(len, lanes.values()))
    print(f"{events:,} events of {len(lanes):,} clients\n")
    print("| an event waits at most | requests | events a request |\n|---|---|---|")
    for wait_s in WAITS_S:
        made = sum(requests(lane, due, wait_s) for lane, due in lanes.items())
        name = "all at once" if wait_s == float("inf") else f"{wait_s:g} s"
        print(f"| {name} | {made:,} | {events / made:.2f} |")


if __name__ == "__main__":
    main()
