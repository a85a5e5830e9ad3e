"""Finished blocks of replications on disk, so that an interrupted run resumes where it stopped."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class Store:
    """Blocks of one task in one folder. ``identity`` (scenario hash, version) must match or a block is ignored."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        self.identity = identity

    def _path(self, first: int, last: int) -> Path:
        return self.folder / f"{self.identity}-{first:07d}-{last:07d}.npz"

    def save(self, first: int, last: int, arrays: dict[str, NDArray[np.float64]]) -> None:
        """Keep a block; a reader never sees half a file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]
            os.replace(name, self._path(first, last))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def load(self, first: int, last: int) -> dict[str, NDArray[np.float64]] | None:
        """A kept block, or None."""
        try:
            with np.load(self._path(first, last), allow_pickle=False) as data:
                return {name: data[name] for name in data.files}
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
