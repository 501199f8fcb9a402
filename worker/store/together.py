"""What a unit of work about several servers writes of each, written of all at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from typing_extensions import override

from reconcile.model.nouns import Sighting
from worker.model.runs import NotAlone, Poll
from worker.store.ahead import LookAhead
from worker.store.repositories.codecs import Columns


@dataclass(slots=True)
class _Together:
    """Not written yet; no row is in one of them twice."""

    claims: list[Columns] = field(default_factory=list)
    sightings: list[tuple[int, Sighting]] = field(default_factory=list)
    conclusions: list[Columns] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)
    logons: set[str] = field(default_factory=set)


class WriteTogether(LookAhead):
    """For ``worker.runs.write_batcher``: claims and conclusions are written when it is committed."""

    _together: _Together | None = None

    @override
    def look_ahead(self, servers: Collection[int]) -> None:
        super().look_ahead(servers)
        self._together = _Together()

    def must_be_alone(self) -> None:
        if self._together is not None:
            raise NotAlone

    @override
    def _claim(self, rows: Sequence[Columns]) -> None:
        if self._together is None:
            super()._claim(rows)
        else:
            self._together.claims += rows

    @override
    def _replace_sightings(self, told: Sequence[tuple[int, Sighting]]) -> None:
        if self._together is None:
            super()._replace_sightings(told)
        else:
            self._together.sightings += told

    @override
    def _conclude(self, rows: Sequence[Columns]) -> None:
        if self._together is None:
            super()._conclude(rows)
        else:
            self._together.conclusions += rows

    @override
    def _set_polls(self, polls: Sequence[Poll]) -> None:
        if self._together is None:
            super()._set_polls(polls)
        else:
            self._together.polls += polls

    @override
    def logon_worked(self, credential: str) -> None:
        if self._together is None:
            super().logon_worked(credential)
        else:
            self._together.logons.add(credential)

    def _write_together(self) -> None:
        """Everything that was put off; from here on nothing is."""
        put_off, self._together = self._together, None
        if put_off is None:
            return
        if put_off.claims:
            self._claim(put_off.claims)
        if put_off.sightings:
            self._replace_sightings(put_off.sightings)
        if put_off.conclusions:
            self._conclude(put_off.conclusions)
        if put_off.polls:
            self._set_polls(put_off.polls)
        for credential in sorted(put_off.logons):
            self.logon_worked(credential)
