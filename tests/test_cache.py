"""Whoever waits for the compiler is told so before it works, once."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

import pytest
from numba import config

from simulator import _cache, cli

KERNEL = "from simulator import kernels\n\n\n@kernels.outer\ndef twice(x):\n    return 2 * x\n"
_names = itertools.count()


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"kernel_of_a_test_{next(_names)}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")
def test_a_kernel_without_a_copy_is_announced_once(tmp_path: Path) -> None:
    path = tmp_path / "kernel.py"
    path.write_text(KERNEL)
    told: list[int] = []
    kernel = load(path).twice
    _cache.before_compiling(lambda: told.append(1))
    assert kernel(1.5) == 3.0
    assert kernel(1) == 2  # another kind of number is compiled for itself, and nobody is told again
    assert told == [1]
    _cache.before_compiling(lambda: told.append(2))
    assert load(path).twice(1.5) == 3.0  # its copy is there now
    assert told == [1]
    _cache.before_compiling(None)


def test_the_command_line_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for warm, words in ((False, "First run on this machine"), (True, "rules that no run here has used yet")):
        monkeypatch.setattr(_cache, "is_warm", lambda warm=warm: warm)
        cli._Shower(quiet=False).say_compilation()
        assert capsys.readouterr().err == ""  # not before there is something to wait for
        _cache.compiling()
        _cache.compiling()
        said = capsys.readouterr().err
        assert said.count("ompiling") == 1
        assert words in said
    cli._Shower(quiet=False).say_compilation()
    cli._Shower(quiet=True).say_compilation()
    _cache.compiling()
    assert capsys.readouterr().err == ""
