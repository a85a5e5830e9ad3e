"""Every run of a support engine in any test must keep its balances."""

from collections.abc import Iterator

import pytest

from tests import balances


@pytest.fixture(scope="session", autouse=True)
def balances_of_every_run() -> Iterator[None]:
    from simulator.support import compiled, reference

    with pytest.MonkeyPatch.context() as patch:
        for engine in (compiled, reference):
            patch.setattr(engine, "run", balances.checked(engine.run, engine.__name__))
        yield
