"""Sites for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.cli.site import Site


@pytest.fixture(scope="session")
def pristine_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Made once, for that takes longer than most tests; nobody changes it."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.tell(1, 2, "HQ", scopes=("10.1.0.0", "10.1.1.0"))
    site.told[3] = {}
    site.export(3)
    outcome = site.import_servers(1, 2, 3)
    assert outcome.code == 0, outcome
    return site


@pytest.fixture
def site(pristine_site: Site, tmp_path: Path) -> Site:
    """Servers 1 to 3 are known; 1 and 2 have relationship HQ with two scopes, 3 has nothing."""
    return pristine_site.copied_to(tmp_path)


@pytest.fixture
def synced(site: Site) -> Site:
    """The same after its first sync."""
    outcome = site.sync()
    assert outcome.code == 0, outcome
    return site
