from __future__ import annotations

import socket
import threading
import time

from collectors.powershell.deadline import Deadline


def _pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    theirs.settimeout(30)
    return ours, theirs


def test_a_watched_socket_is_shut_down_when_the_time_comes() -> None:
    ours, theirs = _pair()
    with ours, theirs, Deadline(0.05) as deadline:
        deadline.guard(ours)
        assert ours.recv(1) == b""
        assert theirs.recv(1) == b""
        assert deadline.over
        assert not deadline.stopped


def test_a_socket_that_is_guarded_too_late_is_shut_down_at_once() -> None:
    ours, theirs = _pair()
    with ours, theirs, Deadline(60) as deadline:
        deadline.end()
        deadline.guard(ours)
        assert ours.recv(1) == b""
        assert deadline.stopped
        assert deadline.remaining() == 0.0


def test_the_nearest_of_several_deadlines_comes_first() -> None:
    ours, theirs = _pair()
    with ours, theirs, Deadline(60), Deadline(30), Deadline(0.05) as deadline:
        deadline.guard(ours)
        assert ours.recv(1) == b""


def test_a_released_socket_is_left_alone() -> None:
    ours, theirs = _pair()
    with ours, theirs:
        with Deadline(60) as deadline:
            deadline.release(deadline.guard(ours))
            deadline.end()
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"


def test_leaving_a_deadline_gives_back_its_hold_of_every_socket() -> None:
    ours, theirs = _pair()
    with theirs:
        with Deadline(60) as deadline:
            deadline.guard(ours)
            ours.close()
        assert theirs.recv(1) == b""  # so nobody has it open any more


def test_a_deadline_can_be_put_off_until_it_came() -> None:
    with Deadline(0.05) as deadline:
        assert deadline.extend(60)
        assert deadline.remaining() > 30
        deadline.end()
        assert not deadline.extend(60)


def test_all_deadlines_of_a_process_share_one_thread() -> None:
    with Deadline(60), Deadline(60):
        names = [thread.name for thread in threading.enumerate()]
    assert names.count("deadlines") == 1


def test_a_deadline_that_was_put_off_is_not_forgotten() -> None:
    ours, theirs = _pair()
    with ours, theirs, Deadline(0.3) as deadline:
        deadline.guard(ours)
        began = time.monotonic()
        assert deadline.extend(0.6)
        assert ours.recv(1) == b""
        assert time.monotonic() - began >= 0.6
