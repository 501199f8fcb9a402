"""The log: constant events with facts, one form for ours and the libraries', nothing secret."""

from __future__ import annotations

import io
import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from collectors.powershell.host import Login
from worker.config.settings import load_settings
from worker.inventory.logon_ledger import login_of
from worker.model.credentials import Credential
from worker.telemetry.events import facts
from worker.telemetry.logs import LogFormat, LogLevel, bound, lines, no_lines

SECRET = "hunter2-Tr0ub4dor"  # noqa: S105 - an example that must never be shown
HOSTILE = "dhcp01\x1b[2J\n2026-03-01 forged \u202e"
OURS = logging.getLogger("worker.telemetry.events")
THEIRS = logging.getLogger("celery.worker")


class Log(io.StringIO):
    """What was written."""

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


def written(level: LogLevel = LogLevel.INFO) -> tuple[Log, Any]:
    log = Log()
    return log, lines(log, LogFormat.JSON, level, process="host:1", role="read")


def fail(why: object, local: object = None) -> None:
    """Fail with a secret at hand."""
    raise ValueError(why)


def test_a_line_has_its_event_its_facts_and_those_of_the_process() -> None:
    log, writing = written()
    with writing:
        OURS.info("run opened", extra=facts(run=7, target="all servers"))
    (line,) = log.objects()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "run opened",
        "level": "info",
        "logger": "worker.telemetry.events",
        "process": "host:1",
        "role": "read",
        "run": 7,
        "target": "all servers",
    }


def test_lines_of_the_libraries_come_in_the_same_form() -> None:
    log, writing = written()
    with writing:
        THEIRS.warning("lost %s of %d", "one", 3)
        THEIRS.info("what nobody needs to know")
    assert [line["event"] for line in log.objects()] == ["lost one of 3"]


def test_even_a_debug_log_has_only_warnings_of_the_libraries() -> None:
    """What they say beyond that may hold proofs of passwords."""
    log, writing = written(LogLevel.DEBUG)
    with writing:
        logging.getLogger("spnego").debug("token %s", SECRET)
        OURS.debug("operation recorded")
    assert [line["event"] for line in log.objects()] == ["operation recorded"]


def test_what_is_less_than_the_level_is_not_written() -> None:
    log, writing = written(LogLevel.WARNING)
    with writing:
        OURS.info("run opened")
        OURS.warning("lease lost")
    assert [line["event"] for line in log.objects()] == ["lease lost"]


def test_what_is_bound_is_in_every_line_of_that_thread_and_in_none_after() -> None:
    log, writing = written()
    with writing:
        with bound(task="read", run=7, server=3):
            OURS.info("one")
            THEIRS.warning("two")
            elsewhere = threading.Thread(target=OURS.info, args=("elsewhere",))
            elsewhere.start()
            elsewhere.join()
            with bound(pair="HQ"):
                OURS.info("three")
        OURS.info("four")
    told = {line["event"]: (line.get("run"), line.get("pair")) for line in log.objects()}
    assert told == {
        "one": (7, None),
        "two": (7, None),
        "elsewhere": (None, None),
        "three": (7, "HQ"),
        "four": (None, None),
    }


def test_what_is_bound_is_gone_after_a_failure_too() -> None:
    log, writing = written()
    with writing:
        with pytest.raises(RuntimeError), bound(run=7):
            raise RuntimeError
        OURS.info("after")
    assert "run" not in log.objects()[0]


def test_afterwards_everything_is_as_it_was() -> None:
    root = logging.getLogger()
    before = list(root.handlers), root.level, logging.getLogger("worker").level
    log, writing = written()
    with writing:
        pass
    OURS.warning("too late")
    assert (list(root.handlers), root.level, logging.getLogger("worker").level) == before
    assert log.getvalue() == ""


def test_a_failure_has_its_traceback_and_none_of_its_lines_passes_for_another() -> None:
    log = Log()
    with lines(log, LogFormat.CONSOLE, LogLevel.INFO):
        try:
            fail(HOSTILE, SECRET)
        except ValueError:
            OURS.exception("task failed")
    text = log.getvalue()
    assert "Traceback" in text
    assert "ValueError" in text
    assert SECRET not in text, "local variables are not shown"
    (_, *rest) = text.splitlines()
    assert all(line.startswith("    ") for line in rest)
    assert "forged" in rest[-1]


@pytest.mark.parametrize("form", LogFormat)
def test_names_from_the_network_cannot_forge_lines_or_move_the_cursor(form: LogFormat) -> None:
    log = Log()
    with lines(log, form, LogLevel.INFO):
        OURS.warning(
            "server not read", extra=facts(name=HOSTILE, told=[HOSTILE], by={"a": HOSTILE})
        )
        THEIRS.warning("from %s", HOSTILE)
    text = log.getvalue()
    assert text.count("\n") == 2
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_value_is_cut_to_a_length() -> None:
    log, writing = written()
    with writing:
        OURS.info("server read", extra=facts(name="x" * 100_000))
    assert len(log.getvalue()) < 3000


@pytest.mark.parametrize("form", LogFormat)
def test_no_secret_is_ever_written(form: LogFormat, tmp_path: Path) -> None:
    """A Login, a Credential, a URL, a header: as a fact, in a sentence, in a failure, bound."""
    credential = Credential("corp", "svc-ipam", password_env="CORP")  # noqa: S106 - its name
    login = login_of(credential, {"CORP": SECRET})
    assert login == Login("corp", "svc-ipam", SECRET)
    url = f"postgresql://ipam:{SECRET}@db.corp.example/ipam"
    settings = load_settings(
        {"IPAM_SYNC_DATABASE_URL": url, "IPAM_SYNC_BROKER_URL": f"redis://:{SECRET}@broker/0"},
        config_file=_empty(tmp_path),
    )
    headers = {"Authorization": f"Basic {SECRET}", "Host": "dhcp01"}
    everything = (credential, login, url, settings, headers, f"Authorization: NTLM {SECRET}")
    log = Log()
    with lines(log, form, LogLevel.DEBUG):
        for thing in everything:
            OURS.warning("event", extra=facts(thing=thing, things=[thing], by={"x": thing}))
            THEIRS.warning("about %s and %r", thing, thing)
            with bound(thing=thing):
                OURS.info("bound")
            try:
                fail(thing)
            except ValueError:
                OURS.exception("task failed")
        OURS.info("named", extra=facts(password=SECRET, client_secret=SECRET, token=SECRET))
    assert "svc-ipam" in log.getvalue()
    assert SECRET not in log.getvalue()


def _empty(directory: Path) -> Path:
    file = directory / "config.toml"
    file.touch()
    return file


def test_a_command_has_no_log(capsys: pytest.CaptureFixture[str]) -> None:
    no_lines()
    OURS.error("something")
    THEIRS.error("something else")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
