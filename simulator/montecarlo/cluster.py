"""The workers of a Dask cluster, for more than one machine.

Every replication is a pure function of the scenario and its number, so where it runs changes no result. A worker gets
the scenario with each block of replications and keeps what it built and drew for it. Blocks of the same share go to the
same worker as long as it is free to take them.
"""

from __future__ import annotations

from concurrent.futures import Executor

from simulator import provenance
from simulator.errors import InputError, Problem


class Cluster:
    """The workers of the Dask scheduler at ``address``, one executor each.

    Raises:
        InputError: no Dask is installed, nobody answers at the address, there are no workers, or their version of the
            simulator is another one.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ModuleNotFoundError:
            raise _refused(address, "Dask is not installed", "pip install 'capacity-simulator[dask]'") from None
        try:
            self._client = Client(address, timeout=10, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            message = f"no Dask scheduler answers there ({error})"
            raise _refused(address, message, "the address that dask scheduler prints, as tcp://10.0.0.7:8786") from None
        try:
            workers = sorted(self._client.scheduler_info(n_workers=-1)["workers"])
            if not workers:
                raise _refused(address, "the scheduler has no workers", f"dask worker {address}")
            self._compare_versions(address)
        except BaseException:
            self.close()
            raise
        # another worker may help out: then it draws again what the first has kept
        self.executors: list[Executor] = [
            self._client.get_executor(workers=[each], allow_other_workers=True, pure=False) for each in workers
        ]

    def _compare_versions(self, address: str) -> None:
        here = provenance.version()
        try:
            versions = set(self._client.run(provenance.version).values())
        except ModuleNotFoundError:
            raise _refused(address, "the workers have no simulator installed", f"version {here} everywhere") from None
        if versions != {here}:
            message = "the workers have another version of the simulator"
            raise _refused(address, message, here, found=", ".join(sorted(versions)))

    def close(self) -> None:
        """Leave the cluster; what is under way there is given up."""
        self._client.close()


def _refused(address: str, message: str, allowed: str, found: str | None = None) -> InputError:
    return InputError([Problem(None, None, "--dask", message, found or address, allowed)])
