"""The crew: outcomes in order, faults as they were raised, and no process that outlives it."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from streams.replay.crew import Crew
from streams.replay.errors import BadInput, ProcessDied
from tests.streams.replay.replays import plan

PLAN = plan(Path())


def square(given, number):
    assert given.names == PLAN.names
    return number * number


def fail(given, number):
    if number == 3:
        raise BadInput("in.jsonl", "three")
    return number


def die(given, number):
    os.kill(os.getpid(), signal.SIGKILL)


def whereabouts(given, number):
    return os.getpid(), signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.parametrize("jobs", [1, 2])
def test_outcomes_come_in_the_order_of_what_was_given(jobs):
    with Crew(PLAN, jobs) as crew:
        assert list(crew.each(square, range(20))) == [number * number for number in range(20)]
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_fault_of_a_task_is_raised_as_it_was(jobs):
    with pytest.raises(BadInput, match=r"in\.jsonl: three"), Crew(PLAN, jobs) as crew:
        list(crew.each(fail, range(20)))
    assert multiprocessing.active_children() == []


def test_a_process_that_is_killed_is_told_with_what_to_do():
    with pytest.raises(ProcessDied, match="--jobs 1"), Crew(PLAN, 2) as crew:
        list(crew.each(die, range(2)))
    assert multiprocessing.active_children() == []


def test_one_job_is_done_in_this_process_and_more_in_others_deaf_to_ctrl_c():
    with Crew(PLAN, 1) as crew:
        assert {pid for pid, _ in crew.each(whereabouts, range(3))} == {os.getpid()}
    with Crew(PLAN, 2) as crew:
        found = set(crew.each(whereabouts, range(8)))
    assert os.getpid() not in {pid for pid, _ in found}
    assert {blocked for _, blocked in found} == {True}
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ()), "this process still hears it"


def test_few_are_under_way_at_once_so_that_input_is_read_as_it_is_worked_off():
    taken = []

    def numbers():
        for number in range(50):
            taken.append(number)
            yield number

    with Crew(PLAN, 2) as crew:
        outcomes = crew.each(square, numbers())
        next(outcomes)
        assert len(taken) <= 5
        assert len(list(outcomes)) == 49
