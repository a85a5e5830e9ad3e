"""What a run returns: a scenario, tidy tables, a summary and where they came from.

A :class:`Result` is nothing but data, so a run folder on disk and a result in memory are the same thing
(:func:`save`, :func:`load`).
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from simulator.reporting.plots import Plots
    from simulator.scenario.schema import Scenario

TABLES: dict[str, tuple[str, ...]] = {
    "staffing": (
        "month",
        "wing",
        "team",
        "planned",
        "effective",
        "p10",
        "p50",
        "p80",
        "p90",
        "mean",
        "need",
        "p_enough",
        "p_enough_low",
        "p_enough_high",
    ),
    "kpis": (
        "month",
        "wing",
        "kind",
        "subject",
        "kpi",
        "unit",
        "mean",
        "low",
        "high",
        "p10",
        "p50",
        "p90",
        "standard_error",
        "share_inputs",
        "target",
        "p_met",
    ),
    "requirement": ("month", "team", "day", "time", "agents"),
    "shifts": ("month", "team", "shift", "start", "days", "people", "paid_hours"),
    "headcount": ("month", "wing", "team", "measure", "mean", "p10", "p50", "p90"),
    "cost": ("month", "wing", "team", "item", "mean", "p10", "p50", "p80", "p90"),
    "accounts": ("month", "segment", "measure", "mean", "p10", "p50", "p90"),
    "activities": ("quarter", "team", "segment", "activity", "step", "measure", "mean", "p10", "p50", "p90"),
    "sizing": ("quarter", "team", "from_work", "from_ratio", "need"),
}
"""Tables of a run and their columns.

staffing: heads per month and team. ``p10`` to ``mean``: distribution over the input draws of the least heads that meet
the targets in expectation over chance, each month by itself; ``need``: the least heads whose own simulation meets every
target with the asked confidence (a CSM need holds for its quarter); ``planned`` and ``effective``: mean heads of the
given plan before and after ramp; ``p_enough``: share of replications in which the given plan meets the month's targets,
with its Wilson interval.
kpis: one row per month (``all`` for the horizon), subject (queue, group, segment, team) and KPI. ``low`` and ``high``
bound the mean (95 %), ``p10`` to ``p90`` describe replications, ``share_inputs`` is the share of the variance that
comes from uncertain inputs rather than chance, ``p_met`` the share of replications that meet ``target``.
requirement: agents of the need by month, day kind (mon to sun, holiday) and interval.
shifts: people on each shift, start and set of days who cover the requirement at least cost, and the hours paid for them
in the month; groups without shifts have no rows.
cost: money per month and item (salary, hiring, ...); month ``all`` and item ``total`` come from the joint replications.
accounts, activities, headcount: counts, hours and rates by measure.
sizing: heads by the two methods beside the simulated need.
"""


@dataclass(frozen=True, eq=False)
class Result:
    """A finished run."""

    scenario: Scenario
    tables: Mapping[str, pd.DataFrame]
    summary: Mapping[str, Any]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def staffing(self) -> pd.DataFrame:
        """Heads per month and team: the distribution of the need, the need, the plan and whether it is enough."""
        return self.tables["staffing"]

    @property
    def kpis(self) -> pd.DataFrame:
        """Every KPI per month and subject."""
        return self.tables["kpis"]

    @property
    def requirement(self) -> pd.DataFrame:
        """Agents of the need by month, day kind and interval."""
        return self.tables["requirement"]

    @property
    def shifts(self) -> pd.DataFrame:
        """People on each shift who cover the requirement at least cost, by month."""
        return self.tables["shifts"]

    @property
    def headcount(self) -> pd.DataFrame:
        """People of the given plan: opening, starts, leavers, closing, effective."""
        return self.tables["headcount"]

    @property
    def cost(self) -> pd.DataFrame:
        """Plan cost by month, team and item."""
        return self.tables["cost"]

    @property
    def accounts(self) -> pd.DataFrame:
        """Accounts and revenue by month and segment."""
        return self.tables["accounts"]

    @property
    def activities(self) -> pd.DataFrame:
        """CSM steps by quarter, activity and segment."""
        return self.tables["activities"]

    @property
    def sizing(self) -> pd.DataFrame:
        """from_work, from_ratio and the simulated need, side by side."""
        return self.tables["sizing"]

    @property
    def plot(self) -> Plots:
        """One-line plots, e.g. ``result.plot.staffing()``."""
        from simulator.reporting.plots import Plots

        return Plots(self)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old or the new one and an interruption leaves no half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")  # told before it is there: an interruption may come at once
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_table(table: pd.DataFrame, folder: Path, name: str, *, readable: bool = True) -> None:
    """Write a table as Parquet and, if it is to be ``readable``, as CSV."""
    import io

    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    write_atomically(folder / f"{name}.parquet", buffer.getvalue())
    if readable:
        write_atomically(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n").encode())


def save(result: Result, folder: Path) -> None:
    """Write tables (Parquet and CSV), summary, resolved scenario and provenance into ``folder``."""
    from simulator.scenario.loading import dump

    for name, table in result.tables.items():
        write_table(table, folder, name)
    write_atomically(folder / "scenario.resolved.yaml", dump(result.scenario.document()).encode())
    write_atomically(folder / "summary.json", to_json(result.summary))
    write_atomically(folder / "provenance.json", to_json(result.provenance))


def to_json(value: Any) -> bytes:
    """Readable UTF-8 JSON; NaN and infinity, which JSON has not, become null."""
    return (json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def changes_of(folder: Path) -> list[str]:
    """What a run changed from the scenario as written, as its folder says; nothing where there is no run.

    The resolved scenario of a run is the changed one, so that only the summary still tells: a run repeated from its own
    folder says it again.
    """
    try:
        return [str(line) for line in json.loads((folder / "summary.json").read_text(encoding="utf-8"))["changes"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


YOUNGER = frozenset({"shifts"})
"""Tables that folders of older versions lack: they read as empty."""


def load(folder: Path | str) -> Result:
    """Read a run folder back, also one that an older version wrote.

    Raises:
        InputError: the folder is no finished run.
    """
    import pandas as pd

    from simulator.scenario.loading import read

    folder = Path(folder)
    missing = [
        n
        for n in (
            "summary.json",
            "provenance.json",
            "scenario.resolved.yaml",
            *(f"{t}.parquet" for t in TABLES if t not in YOUNGER),
        )
        if not (folder / n).is_file()
    ]
    if missing:
        raise InputError(
            [Problem(str(folder), None, "", "no finished run here", found=f"no {missing[0]}", allowed="a run folder")]
        )
    try:
        return Result(
            scenario=read(folder / "scenario.resolved.yaml"),
            tables={
                name: pd.DataFrame(columns=list(columns))
                if name in YOUNGER and not file.is_file()
                else pd.read_parquet(file)
                for name, columns in TABLES.items()
                for file in [folder / f"{name}.parquet"]
            },
            summary=json.loads((folder / "summary.json").read_text(encoding="utf-8")),
            provenance=json.loads((folder / "provenance.json").read_text(encoding="utf-8")),
        )
    except InputError:
        raise
    except ValueError as error:  # what pyarrow and json raise for files that are cut or changed
        raise InputError([Problem(str(folder), None, "", "the run is damaged", str(error), "a run folder")]) from error
