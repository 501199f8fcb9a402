"""One line of JSON for each alert, whatever is in it."""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from tests.worker.alerts.samples import DIGEST, LIFE, NOW, OPENED, hostile_alerts
from worker.alerts.channels.lines import Lines
from worker.alerts.channels.port import Undelivered
from worker.alerts.message import Alert, Digest
from worker.alerts.payloads import alert_document, encoded


def test_the_file_has_a_line_for_each_alert(tmp_path: Path) -> None:
    file = tmp_path / "alerts.jsonl"
    channel = Lines("log", file)
    for alert in LIFE:
        channel.deliver(alert)
    channel.deliver(DIGEST)
    told = [json.loads(line) for line in file.read_text().splitlines()]
    assert told == [json.loads(encoded(alert_document(a))) for a in (*LIFE, *DIGEST.alerts)]
    assert file.stat().st_mode & 0o007 == 0


def test_lines_of_many_writers_do_not_mix(tmp_path: Path) -> None:
    file = tmp_path / "alerts.jsonl"

    def write() -> None:
        for _ in range(50):
            Lines("log", file).deliver(DIGEST)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len([json.loads(line) for line in file.read_text().splitlines()]) == 600


def test_the_log_has_the_alert_as_a_fact(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Lines("log").deliver(OPENED)
    (record,) = caplog.records
    assert record.message == "alert"
    assert record.__dict__["facts"]["alert"]["key"] == OPENED.key


def test_many_alerts_at_once_are_one_record_in_the_log_that_lists_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    many = Digest("digest-4", tuple(replace(OPENED, finding=n) for n in range(60)), NOW)
    with caplog.at_level(logging.WARNING):
        Lines("log").deliver(many)
    (record,) = caplog.records
    assert record.message == "alerts"
    told = record.__dict__["facts"]
    assert told["summary"] == "60 problems: 60 warning opened"
    assert (len(told["alerts"]), told["more"]) == (50, 10)
    assert told["alerts"][0].startswith("[WARNING] partner mismatch: HQ (dhcp01.corp.example")


def test_only_the_log_is_for_people(tmp_path: Path) -> None:
    assert Lines("log").for_people
    assert not Lines("log", tmp_path / "alerts.jsonl").for_people


def test_a_file_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    with pytest.raises(Undelivered, match="Is a directory") as raised:
        Lines("log", tmp_path).deliver(OPENED)
    assert not raised.value.permanent


def test_a_pipe_that_nobody_reads_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Undelivered):
        Lines("log", tmp_path / "pipe").deliver(OPENED)


@given(hostile_alerts())
def test_an_alert_is_one_line_whatever_is_in_it(alert: Alert) -> None:
    assert encoded(alert_document(alert)).decode("ascii").isprintable()
