"""What follows from machine ids, clocks and scopes (R1): findings, and who is a witness."""

from __future__ import annotations

import pytest

from reconcile.evidence.inputs import Rules
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import ServedScope, Standing
from tests.reconcile.fleet import HUB, OTHER, SPOKE, both
from tests.reconcile.machines import Estate, Told, is_open, of_kind, served
from tests.reconcile.remedy_examples import commands_for

A, B, C = HUB, SPOKE, OTHER


def estate(**values: object) -> Estate:
    """A, B and C on machines of their own, synced once: A and B have HQ."""
    machines = {A.id: "machine-a", B.id: "machine-b", C.id: "machine-c"}
    ipam = Estate(machines=machines, **values)  # type: ignore[arg-type]  # overrides are per test
    ipam.run(well())
    return ipam


def well() -> Told:
    """Both partners tell HQ, C tells nothing."""
    one, two = both()
    return {A: [one], B: [two], C: []}


class TestClocks:
    """Windows failover allows a minute between partners; so do we, and between them and us."""

    @pytest.mark.parametrize(
        ("a", "b", "wrong"),
        [
            (60.0, 0.0, []),
            (60.5, 0.0, [(A.id,)]),
            (-60.5, 0.0, [(A.id,)]),
            (61.0, 62.0, [(A.id,), (B.id,)]),
            (40.0, -20.0, []),
            (40.0, -20.5, [(A.id, B.id)]),
            (-40.0, 20.5, [(A.id, B.id)]),
            (90.0, -30.0, [(A.id,)]),
        ],
    )
    def test_over_a_minute_against_us_or_the_partner_is_a_finding(
        self, a: float, b: float, wrong: list[tuple[int, ...]]
    ) -> None:
        """Of a server that is wrong by itself its partners are not told, too."""
        ipam = estate(clocks={A.id: a, B.id: b})
        assert [f.servers for f in of_kind(ipam.plan(well()), Kind.CLOCK_SKEW)] == wrong

    def test_a_finding_says_how_far_and_which_way(self) -> None:
        ipam = estate(clocks={A.id: 75.4, B.id: -120.0})
        ahead, behind = of_kind(ipam.plan(well()), Kind.CLOCK_SKEW)
        assert f"{A.name} is 75 s ahead of" in ahead.detail
        assert f"{B.name} is 120 s behind" in behind.detail
        ipam = estate(clocks={A.id: 40.0, B.id: -35.0})
        (apart,) = of_kind(ipam.plan(well()), Kind.CLOCK_SKEW)
        assert "differ by 75 s" in apart.detail

    def test_strangers_may_differ(self) -> None:
        """C is nobody's partner: only the clocks of partners are compared."""
        ipam = estate(clocks={A.id: 40.0, C.id: -40.0})
        assert of_kind(ipam.plan(well()), Kind.CLOCK_SKEW) == []

    def test_the_limit_is_a_setting(self) -> None:
        ipam = estate(clocks={A.id: 75.0}, rules=Rules(clock_skew_seconds=90))
        assert of_kind(ipam.plan(well()), Kind.CLOCK_SKEW) == []

    def test_a_clock_that_drifts_on_is_the_same_finding(self) -> None:
        """Not a new value in every run (R10)."""
        ipam = estate(clocks={A.id: 75.0})
        before = of_kind(ipam.plan(well()), Kind.CLOCK_SKEW)[0]
        ipam.clocks[A.id] = 76.0
        after = of_kind(ipam.plan(well()), Kind.CLOCK_SKEW)[0]
        assert (after.fingerprint, after.values) == (before.fingerprint, before.values)

    def test_it_ends_when_a_clock_was_seen_to_be_right_and_not_by_silence(self) -> None:
        ipam = estate(clocks={A.id: 75.0})
        for told in ({A: None, B: well()[B]}, well()):
            ipam.clocks.clear()
            ipam.run(told)
            assert is_open(ipam, Kind.CLOCK_SKEW)
        ipam.clocks[A.id] = 1.0
        ipam.run(well())
        assert not is_open(ipam, Kind.CLOCK_SKEW)


class TestScopesWithoutFailover:
    """Active scopes that nobody else would serve."""

    HQ = (served("10.1.0.0"), served("10.1.1.0"))

    def alone(self, *scopes: ServedScope) -> list[Finding]:
        ipam = estate(serves={A.id: (*self.HQ, *scopes)})
        return of_kind(ipam.plan(well()), Kind.SCOPE_WITHOUT_FAILOVER)

    def test_an_active_scope_in_no_relationship_is_told(self) -> None:
        (found,) = self.alone(served("10.9.1.0"), served("10.9.0.0"))
        assert found.servers == (A.id,)
        assert "10.9.0.0, 10.9.1.0" in found.detail

    def test_an_inactive_one_or_one_in_a_relationship_is_fine(self) -> None:
        assert self.alone() == []
        assert self.alone(served("10.9.0.0", active=False)) == []

    def test_many_are_not_all_named(self) -> None:
        (found,) = self.alone(*(served(f"10.9.{n}.0") for n in range(60)))
        assert "10.9.19.0" in found.detail
        assert "10.9.20.0" not in found.detail
        assert "40 more" in found.detail

    def test_another_scope_changes_the_finding(self) -> None:
        (one,), (two,) = self.alone(served("10.9.0.0")), self.alone(served("10.9.1.0"))
        assert one.fingerprint == two.fingerprint
        assert one.values != two.values

    def test_it_ends_by_a_reading_that_lists_scopes(self) -> None:
        """An export lists none."""
        ipam = estate(serves={A.id: (*self.HQ, served("10.9.0.0"))})
        assert is_open(ipam, Kind.SCOPE_WITHOUT_FAILOVER)
        ipam.serves.clear()
        ipam.run(well())
        assert is_open(ipam, Kind.SCOPE_WITHOUT_FAILOVER)
        ipam.serves[A.id] = self.HQ
        ipam.run(well())
        assert not is_open(ipam, Kind.SCOPE_WITHOUT_FAILOVER)


class TestCredentials:
    """A suspended credential is one finding, about no server."""

    def test_each_is_one_finding_that_ends_with_the_suspension(self) -> None:
        ipam = estate(suspended=("branch", "corp"))
        found = of_kind(ipam.plan(well()), Kind.CREDENTIAL_SUSPENDED)
        assert [(f.about, f.servers) for f in found] == [("branch", ()), ("corp", ())]
        assert "ipam-sync credentials resume corp" in commands_for(found[1])
        ipam.suspended = ("branch",)
        ipam.run({A: None, B: None, C: None})
        assert [f.about for f in ipam.findings.values() if f.kind is Kind.CREDENTIAL_SUSPENDED] == [
            "branch"
        ]


@pytest.mark.parametrize(
    "kind", [Kind.SERVER_REPLACED, Kind.CLOCK_SKEW, Kind.SCOPE_WITHOUT_FAILOVER]
)
@pytest.mark.parametrize("standing", [Standing.DISABLED, Standing.RETIRED])
def test_with_a_server_goes_what_was_wrong_with_it(kind: Kind, standing: Standing) -> None:
    """Retired, it is gone for good; disabled, it may still be so when it comes back."""
    ipam = estate()
    ipam.machines[C.id], ipam.clocks[C.id] = "machine-x", 99.0
    ipam.serves[C.id] = (served("10.9.0.0"),)
    ipam.run(well())
    assert is_open(ipam, kind)
    ipam.change(C, standing=standing)
    one, two = both()
    ipam.run({A: [one], B: [two]})
    assert is_open(ipam, kind) is (standing is Standing.DISABLED)
