from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.collectors.powershell.site import Site, opened


@pytest.fixture(scope="session")
def lasting_site() -> Iterator[Site]:
    with opened() as site:
        yield site


@pytest.fixture
def site(lasting_site: Site) -> Iterator[Site]:
    """The services, whole, and with no shell open; the same is made sure of afterwards."""
    lasting_site.mend()
    yield lasting_site
    lasting_site.mend()
