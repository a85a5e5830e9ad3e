"""Where compiled kernels are kept: a folder of the user's cache named by the hash of every kernel source.

Numba checks the file of the cached function only, so a changed helper in another file would leave a stale caller; a
folder per hash of all sources cannot go stale.
"""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

_PACKAGE = Path(__file__).parent
_MARKS = (b"njit", b"@inner", b"@called", b"@outer", b"@maker", b"@kernels.")


@functools.cache
def sources() -> tuple[Path, ...]:
    """Every file with compiled code, and the two whose constants such code takes in."""
    plain = {_PACKAGE / "distributions.py", _PACKAGE / "randomness.py"}
    files = sorted(_PACKAGE.rglob("*.py"))
    return tuple(p for p in files if p in plain or any(mark in p.read_bytes() for mark in _MARKS))


@functools.cache
def folder() -> Path:
    """The cache folder for the present sources (not created)."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sources():
        digest.update(path.name.encode() + path.read_bytes())
    root = os.environ.get("SIMULATOR_CACHE_DIR")
    if root is None:
        base = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else os.environ.get("XDG_CACHE_HOME")
        root = str(Path(base or Path.home() / ".cache") / "capacity-simulator")
    return Path(root) / digest.hexdigest()


@functools.cache
def prepare() -> bool:
    """Point numba at the folder. Returns True when compiled kernels are already there.

    Must run before numba is first imported by us; an explicit NUMBA_CACHE_DIR of the user wins.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return True
    target = folder()
    warm = target.is_dir() and any(target.iterdir())
    os.environ["NUMBA_CACHE_DIR"] = str(target)
    if "numba" in sys.modules:
        sys.modules["numba"].core.config.reload_config()
    return warm


def is_warm() -> bool:
    """Whether kernels for the present sources have been compiled on this machine."""
    target = Path(os.environ.get("NUMBA_CACHE_DIR", folder()))
    return target.is_dir() and any(target.rglob("*.nbi"))


_heralds: list[Callable[[], None]] = []


def before_compiling(tell: Callable[[], None] | None) -> None:
    """Have ``tell`` called when a kernel is first about to be compiled in this process; None: nobody is told."""
    _heralds[:] = [] if tell is None else [tell]


def compiling() -> None:
    """Tell that a kernel is about to be compiled, because no copy of it is kept."""
    while _heralds:
        _heralds.pop()()


_beside: list[subprocess.Popen[bytes]] = []
_lock = threading.Lock()


def compile_beside(code: str) -> None:
    """Have a process of its own run Python ``code``, for the kernels that this leaves in the cache; once in a process.

    The compiler holds one lock per process, so that threads cannot share its work. If the other process fails, the
    kernels are compiled here when they are called.
    """
    with _lock:
        if _beside or not sys.executable or (os.cpu_count() or 1) < 2:
            return
        paths = os.pathsep.join(path for path in sys.path if path)
        _beside.append(
            subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
            )
        )


def join_beside() -> None:
    """Wait for the process that :func:`compile_beside` started, if there is one."""
    for process in _beside:
        process.wait()
