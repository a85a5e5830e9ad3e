"""Finished blocks of replications on disk, so that an interrupted run resumes where it stopped.

Writing costs some milliseconds a block, as much as simulating a small one. So blocks wait in memory until
:data:`PATIENCE` seconds of work would be lost with them.
"""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PATIENCE = 2.0
"""Seconds for which finished blocks may wait before they are written."""


class Store:
    """Blocks in one folder; a name holds what a block depends on (task, scenario, version).

    Use it as a context: what still waits is written when an error or an interruption ends it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting: dict[Path, dict[str, NDArray[np.float64]]] = {}
        self._written = time.monotonic()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.flush()

    def _path(self, name: str, first: int, last: int) -> Path:
        return self.folder / f"{name}-{first:07d}-{last:07d}.npz"

    def has(self, name: str) -> bool:
        """Whether any block of this name is kept."""
        return any(self.folder.glob(f"{name}-*.npz"))

    def save(self, name: str, first: int, last: int, arrays: dict[str, NDArray[np.float64]]) -> None:
        """Keep a block, on disk before long."""
        self._waiting[self._path(name, first, last)] = arrays
        if time.monotonic() - self._written > PATIENCE:
            self.flush()

    def flush(self) -> None:
        """Write every block that waits; a reader never sees half a file."""
        for path, arrays in self._waiting.items():
            self._write(path, arrays)
        self._waiting.clear()
        self._written = time.monotonic()

    def _write(self, path: Path, arrays: dict[str, NDArray[np.float64]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")  # told before it is there: an interruption may come at once
        try:
            with part.open("wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def load(self, name: str, first: int, last: int) -> dict[str, NDArray[np.float64]] | None:
        """A kept block, or None."""
        try:
            with np.load(self._path(name, first, last), allow_pickle=False) as data:
                return {key: data[key] for key in data.files}
        except (FileNotFoundError, zipfile.BadZipFile, ValueError, EOFError):
            return None

    def clear(self) -> None:
        """Remove the blocks of a finished run."""
        for path in self.folder.glob("*.npz"):
            path.unlink(missing_ok=True)
        for path in self.folder.glob("*.part"):
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()
