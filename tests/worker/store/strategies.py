"""Everything the store must bring back as it was, for hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from reconcile.model.findings import Finding, Kind, Testimony
from reconcile.model.nouns import (
    Evidence,
    Identity,
    Mode,
    Operation,
    Seen,
    ServedScope,
    ServerRole,
    ServerType,
    State,
    Story,
    Value,
)
from reconcile.model.record import ATTRIBUTES, Contest, Hold, Party, Planned, PropertyChange

#: What a database can hold as text; collectors let nothing else through.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
#: In documents everything survives, also what is no proper text.
any_texts = st.text(st.characters(), max_size=20)
keys = st.integers(1, 2**63 - 1)
scopes = st.integers(0, 2**32 - 1)
seconds = st.integers(0, 2**40)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone

_WORDS = {"Mode": Mode, "Server1State": State, "Server2State": State}


@st.composite
def changes(draw: st.DrawFn) -> PropertyChange:
    property = draw(st.sampled_from(sorted(ATTRIBUTES)))
    values: st.SearchStrategy[Value] = st.none() | texts | seconds | st.booleans()
    if property in _WORDS:
        values = st.none() | st.sampled_from(list(_WORDS[property]))
    return PropertyChange(property, draw(values), draw(values))


parties = st.builds(Party, st.none() | keys, texts)
contests = st.builds(Contest, keys, st.none() | scopes, st.none() | keys)
operations = st.builds(
    Planned,
    operation=st.sampled_from(Operation),
    record=keys,
    relationship=texts,
    server1=parties,
    server2=parties,
    changes=st.lists(changes(), max_size=3).map(tuple),
    scopes=st.lists(scopes, max_size=4, unique=True).map(tuple),
    evidence=st.sampled_from(Evidence),
    reason=texts,
    witnesses=st.lists(keys, max_size=2, unique=True).map(tuple),
    hold=st.sampled_from(Hold),
    contested=st.lists(contests, max_size=2).map(tuple),
)
said: st.SearchStrategy[Testimony] = st.tuples(
    any_texts, st.lists(st.tuples(any_texts, any_texts), max_size=2).map(tuple)
)
findings = st.builds(
    Finding,
    kind=st.sampled_from(Kind),
    relationship=st.none() | texts,
    servers=st.lists(keys, max_size=3, unique=True).map(tuple),
    detail=texts,
    values=st.lists(said, max_size=2).map(tuple),
    grade=texts,
    about=texts,
    patience=st.none() | st.integers(0, 31_536_000),
)
stories = st.builds(
    Story,
    asked=st.just(7),
    name=any_texts,
    partner=any_texts,
    mode=st.none() | st.sampled_from(Mode),
    state=st.sampled_from(State),
    scopes=st.frozensets(scopes, max_size=4),
    mclt_seconds=seconds,
    auto_state_transition=st.booleans(),
    state_switch_interval_seconds=st.none() | seconds,
    enable_auth=st.booleans(),
    load_balance_percent=st.none() | st.integers(0, 100),
    reserve_percent=st.none() | st.integers(0, 100),
    server_role=st.none() | st.sampled_from(ServerRole),
    server_type=st.none() | st.sampled_from(ServerType),
    primary_name=st.none() | any_texts,
    secondary_name=st.none() | any_texts,
    primary_ip=st.none() | any_texts,
    secondary_ip=st.none() | any_texts,
    unknown_values=st.lists(st.tuples(any_texts, any_texts), max_size=2).map(tuple),
)
identities = st.builds(
    Identity,
    computer_name=st.none() | any_texts,
    dns_name=st.none() | any_texts,
    machine_id=st.none() | any_texts,
    cluster_name=st.none() | any_texts,
    addresses=st.lists(any_texts, max_size=3).map(sorted).map(tuple),
)
served_scopes = st.builds(
    ServedScope,
    scope=scopes,
    active=st.booleans(),
    name=st.none() | any_texts,
    mask=st.none() | any_texts,
    start=st.none() | any_texts,
    end=st.none() | any_texts,
)
readings = st.builds(
    Seen,
    server=st.just(7),
    read_at=times,
    stories=st.lists(stories, max_size=4).map(tuple),
    identity=st.none() | identities,
    scopes=st.none()
    | st.lists(served_scopes, max_size=3, unique_by=lambda served: served.scope)
    .map(lambda told: sorted(told, key=lambda served: served.scope))
    .map(tuple),
)
