"""Real days beside simulated ones: a call log and a staffing file, replayed call by call.

:func:`replay` reads, fits what no record tells once on all the days (:mod:`simulator.support.replay`), replays every
day many times and puts the outcome beside the record; two yardsticks stand beside both. :func:`write` makes the folder.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator import timegrid
from simulator.errors import InputError, ParameterError, Problem, nearest, unreadable
from simulator.support import fit
from simulator.support import replay as days

if TYPE_CHECKING:
    import pandas as pd

    from simulator.reporting.plots_replay import Figures

MEASURES = ("abandonment", "mean_wait", "service_level")
"""Of the offered calls: the share that gave up, mean seconds waited (answered or not), the share answered in time."""
ALL = "all"
BAND = (0.1, 0.9)
MODELS = ("simulated", "erlang_a", "month_mean")
FORMAT = 2


@dataclass(frozen=True, eq=False)
class Replay:
    """Recorded and simulated side by side.

    Attributes:
        table: one row per part of the record and measure. ``date``, ``queue`` and ``time`` (start of the half hour) say
            which part, ``all`` where it is not split; then ``offered`` calls, ``measure``, ``recorded``, ``simulated``
            (mean over the replications), ``p10`` and ``p90`` (of the replications), ``erlang_a`` (NaN by queue) and
            ``month_mean`` (days only). Shares are 0 to 1, waits seconds.
        accuracy: per measure and model (:data:`MODELS`) over the days: ``mean_absolute_error``, ``bias``,
            ``correlation``; shares in points of 0 to 1, waits in seconds.
        habits: what was fitted, or read from an earlier replay.
        notes: what was read, left out or guessed.
        options: replications, seed and the like.
    """

    table: pd.DataFrame
    accuracy: pd.DataFrame
    habits: days.Habits
    notes: tuple[str, ...]
    options: Mapping[str, Any]

    @property
    def figures(self) -> Figures:
        """Figures of several panels: ``made.figures.days()``, ``made.figures.queues()``."""
        from simulator.reporting.plots_replay import Figures

        return Figures(self)


def replay(
    calls: str | Path,
    staffing: str | Path | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    staff_columns: Mapping[str, str] | None = None,
    answered: Collection[str] = (),
    abandoned: Collection[str] = (),
    ignore: Collection[str] = (),
    skip: Collection[str] = (),
    staff_skip: Collection[str] = (),
    first: str | None = None,
    last: str | None = None,
    without: Collection[str] = (),
    weekdays: str = "daily",
    hours: str | None = None,
    pool: str | None = None,
    presence: float = 900.0,
    head_start: Mapping[str, float] | None = None,
    priority_when_waiting: bool = False,
    skill_share: float = days.SKILL_SHARE,
    answer_within: float = 20.0,
    talk: days.Talk = "recorded",
    fitted: str | Path | None = None,
    replications: int = 20,
    seed: int = 1,
    date_format: str | None = None,
    timezone: str | None = None,
    encoding: str = "utf-8-sig",
) -> Replay:
    """Replay recorded days.

    Args:
        calls: a call log, as :func:`simulator.support.fit.read_calls` reads it.
        staffing: when each agent was there (:func:`simulator.support.replay.read_staffing`). None: inferred from the
            agents' own calls, with gaps of more than ``presence`` seconds as absence.
        weekdays: days that are replayed, as ``sun-thu``.
        hours: the calls that are counted, by arrival, as ``07:00-24:00``; all are replayed.
        pool: the pool of the staffing file that is replayed; required where the file has several.
        head_start: seconds by value of the log's priority column that such callers count as having waited at entry.
        priority_when_waiting: the log tells priorities only of callers who waited.
        skill_share: see :data:`simulator.support.replay.SKILL_SHARE`.
        talk: ``recorded``: answered calls last as long as they did, only the others are drawn; ``drawn``: all are.
        fitted: ``habits.json`` of an earlier replay, in place of a fit on these days.

    Raises:
        InputError: everything that is wrong with the files and options, in one list.
    """
    problems: list[Problem] = []
    log, there = None, None
    try:
        log = fit.read_calls(
            calls,
            columns,
            answered=(*fit.OUTCOMES["answered"], *answered),
            abandoned=(*fit.OUTCOMES["abandoned"], *abandoned),
            ignore=ignore,
            skip=skip,
            date_format=date_format,
            timezone=timezone,
            encoding=encoding,
            next_day=False,
        )
    except InputError as error:
        problems += error.problems
    if staffing is not None:
        try:
            there = days.read_staffing(
                staffing, staff_columns, skip=staff_skip, date_format=date_format, encoding=encoding
            )
        except InputError as error:
            problems += error.problems
    kinds, span, problems_of_options = _options(weekdays, hours, first, last, without)
    problems += problems_of_options
    habits = None
    if fitted is not None:
        try:
            habits = days.Habits.of_document(json.loads(Path(fitted).read_text(encoding="utf-8"))["habits"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, ParameterError):
                message = str(error)
            elif isinstance(error, OSError | UnicodeError):
                message = unreadable(error)[0]
            else:
                message = "these are no habits of a replay"
            problems.append(Problem(str(fitted), None, "", message, allowed="habits.json of an earlier replay"))
    if log is not None and "agent" not in log.columns:
        problems.append(
            Problem(str(calls), 1, "agent", "a replay needs to know who answered", allowed="--column agent=NAME")
        )
    if head_start and log is not None and "priority" not in log.columns:
        problems.append(
            Problem(str(calls), 1, "priority", "a head start needs a priority", allowed="--column priority=NAME")
        )
    if log is not None and not problems:
        there = days.inferred_staffing(log, presence) if there is None else there
        pool, problem = _pool(there, pool, staffing)
        problems += problem
    if problems or log is None or there is None:
        raise InputError(problems)

    notes = [*log.notes, *there.notes]
    notes += [f"rows left out of the whole call log, {kind}: {number:,}" for kind, number in log.skipped.items()]
    if there.stretches["pool"].nunique() > 1:
        kept = days.pools_of_calls(log, there) == pool
        notes.append(f"calls of other pools than {pool}, left out: {(~kept).sum():,} of {len(kept):,}")
        log = replace(log, calls=log.calls[kept])
        there = replace(there, stretches=there.stretches[there.stretches["pool"] == pool])
    log = log.only(first=first, last=last, without=list(without))
    log = replace(log, dates=log.dates[np.isin(log.dates.day_of_week, kinds)])
    staffed = log.dates[log.dates.isin(there.stretches["date"])]
    if len(staffed) < len(log.dates):
        notes.append(f"days without staffing, left out: {len(log.dates) - len(staffed)}")
    log = replace(log, dates=staffed, calls=log.calls[log.calls["date"].isin(staffed)])
    there = replace(there, stretches=there.stretches[there.stretches["date"].isin(staffed)])
    if log.calls.empty:
        raise InputError([Problem(str(calls), None, "", "no day has both calls and staffing")])

    try:
        if habits is None:
            habits = days.fit_habits(
                log,
                there,
                head_start=head_start,
                priority_when_waiting=priority_when_waiting,
                skill_share=skill_share,
            )
            fit_away = True
        else:
            own = days.skills(log, skill_share)
            habits = replace(habits, skills={**own, **habits.skills})
            fit_away = False
    except ParameterError as error:
        raise InputError([Problem(str(calls), None, "", str(error))]) from None
    models = days.days(log, there, habits, priority_when_waiting=priority_when_waiting, within=answer_within)
    real = _joined(models)
    counted = real.counted(span)
    if not counted.any():
        raise InputError([Problem(None, None, "--hours", "no call arrives in these hours", found=str(hours))])
    if fit_away:
        habits = replace(habits, away_every=days.away_every(models, counted, seed=seed, talk=talk))
        models = days.with_away(models, habits.away_every)
    outcomes = days.simulate(models, replications=replications, seed=seed, talk=talk)
    table = _table(real, counted, outcomes, _erlang(real, counted, there, habits, answer_within), answer_within)
    options = {
        "calls": str(calls),
        "staffing": None if staffing is None else str(staffing),
        "pool": pool,
        "days": len(models),
        "offered": int(counted.sum()),
        "replications": replications,
        "seed": seed,
        "talk": talk,
        "answer_within": answer_within,
        "fitted": None if fitted is None else str(fitted),
    }
    return Replay(table, accuracy(table), habits, tuple(notes), options)


def _options(
    weekdays: str, hours: str | None, first: str | None, last: str | None, without: Collection[str]
) -> tuple[list[int], tuple[float, float], list[Problem]]:
    problems, kinds, span = [], list(range(7)), (0.0, math.inf)
    try:
        kinds = [kind for kind in timegrid.day_kinds(weekdays) if kind < 7]
    except ValueError as error:
        problems.append(Problem(None, None, "--weekdays", str(error), found=weekdays, allowed="sun-thu, or daily"))
    if hours is not None:
        start, _, end = hours.partition("-")
        try:
            span = (timegrid.clock_seconds(start), timegrid.clock_seconds(end))
            if span[0] >= span[1]:
                raise ValueError("the span ends before it begins")
        except ValueError as error:
            problems.append(Problem(None, None, "--hours", str(error), found=hours, allowed="07:00-24:00"))
    for flag, text in (("--first", first), ("--last", last), *(("--without", day) for day in without)):
        try:
            dt.date.fromisoformat(text or "2000-01-01")
        except ValueError:
            problems.append(Problem(None, None, flag, "this is no date", found=text, allowed="a day as 1999-01-31"))
    return kinds, span, problems


def _pool(there: days.Staffing, pool: str | None, file: str | Path | None) -> tuple[str, list[Problem]]:
    known = sorted(there.stretches["pool"].unique())
    if len(known) == 1 and pool in (None, *known):
        return known[0], []
    if pool is not None and pool in known:
        return pool, []
    message = "the staffing has several pools; name one" if pool is None else "no such pool"
    name = None if file is None else str(file)
    close = nearest(pool, known) if pool else None
    return "", [Problem(name, None, "--pool", message, found=pool, allowed=", ".join(known), nearest=close)]


# --- side by side -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Real:
    """The record as arrays, call by call in the order of the replay."""

    dates: list[Any]
    day: NDArray[np.int64]
    queue: NDArray[np.str_]
    time: NDArray[np.float64]
    wait: NDArray[np.float64]
    answered: NDArray[np.bool_]
    talk: NDArray[np.float64]

    def counted(self, span: tuple[float, float]) -> NDArray[np.bool_]:
        return (self.time >= span[0]) & (self.time < span[1])


def _joined(models: list[days.Day]) -> _Real:
    import pandas as pd

    calls = pd.concat([model.calls for model in models])
    return _Real(
        dates=[model.date for model in models],
        day=np.repeat(np.arange(len(models)), [len(model.calls) for model in models]),
        queue=calls["queue"].to_numpy(str),
        time=calls["time"].to_numpy(float),
        wait=calls["wait"].to_numpy(float),
        answered=calls["answered"].to_numpy(bool),
        talk=calls["talk"].to_numpy(float),
    )


def _parts(real: _Real, counted: NDArray[np.bool_]) -> Iterator[tuple[pd.DataFrame, NDArray[np.integer[Any]]]]:
    """Every way in which the record is split: the parts' names and the part of each counted call."""
    import pandas as pd

    slot = days.slots(real.time[counted])
    columns = {
        "date": np.array([f"{date:%Y-%m-%d}" for date in real.dates])[real.day[counted]],
        "queue": real.queue[counted],
        "time": np.array([_clock(s) for s in range(int(slot.max()) + 1)])[slot],
    }
    for split in ((), ("date",), ("queue",), ("time",), ("date", "queue"), ("date", "time")):
        frame = pd.DataFrame(
            {name: columns[name] if name in split else ALL for name in columns}, index=range(len(slot))
        )
        number = frame.groupby(["date", "queue", "time"], sort=True).ngroup().to_numpy()
        names = frame.assign(part=number).drop_duplicates("part").sort_values("part").drop(columns="part")
        yield names.reset_index(drop=True), number


def _clock(slot: int) -> str:
    second = slot * days.INTERVAL
    return f"{int(second // 3600):02d}:{int(second % 3600 // 60):02d}"


def _table(
    real: _Real,
    counted: NDArray[np.bool_],
    outcomes: days.Outcomes,
    erlang: Mapping[str, NDArray[np.float64]],
    within: float,
) -> pd.DataFrame:
    import pandas as pd

    def values(wait: NDArray[np.float64], answered: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
        return {
            "abandonment": np.where(answered, 0.0, 1.0),
            "mean_wait": wait,
            "service_level": np.where(answered & (wait <= within), 1.0, 0.0),
        }

    recorded = values(real.wait[counted], real.answered[counted])
    simulated = values(outcomes.wait[:, counted], outcomes.answered[:, counted])
    found = []
    for names, part in _parts(real, counted):
        offered = np.bincount(part)
        split_by_queue = bool(names["queue"].ne(ALL).any())
        for measure in MEASURES:
            runs = np.stack([np.bincount(part, weights=row) for row in simulated[measure]]) / offered
            theory = np.bincount(part, weights=erlang[measure]) / offered
            low, high = np.quantile(runs, BAND, axis=0)
            found.append(
                names.assign(
                    offered=offered,
                    measure=measure,
                    recorded=np.bincount(part, weights=recorded[measure]) / offered,
                    simulated=runs.mean(axis=0),
                    p10=low,
                    p90=high,
                    erlang_a=np.nan if split_by_queue else theory,
                    month_mean=np.nan,
                )
            )
    table = pd.concat(found, ignore_index=True)
    one_day = (table["date"] != ALL) & (table["queue"] == ALL) & (table["time"] == ALL)
    whole_days = table[one_day]
    month = [whole_days["date"].str[:7], whole_days["measure"]]
    weighted = (whole_days["recorded"] * whole_days["offered"]).groupby(month).transform("sum")
    total = whole_days["offered"].groupby(month).transform("sum")
    table.loc[one_day, "month_mean"] = weighted / total
    return table


def by_day(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows of whole days for one measure, in order of date."""
    whole = (table["queue"] == ALL) & (table["time"] == ALL) & (table["date"] != ALL)
    return table[whole & (table["measure"] == measure)].sort_values("date").reset_index(drop=True)


def by_time(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows of half hours of all days together for one measure."""
    whole = (table["queue"] == ALL) & (table["time"] != ALL) & (table["date"] == ALL)
    return table[whole & (table["measure"] == measure)].sort_values("time").reset_index(drop=True)


def by_queue(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows of kinds of call over all days for one measure."""
    whole = (table["queue"] != ALL) & (table["time"] == ALL) & (table["date"] == ALL)
    return table[whole & (table["measure"] == measure)].sort_values("queue").reset_index(drop=True)


def accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """How far each model is from the record, over the days. A correlation over fewer than three days is NaN."""
    import pandas as pd

    rows = []
    for measure in MEASURES:
        whole_days = by_day(table, measure)
        for model in MODELS:
            error = whole_days[model] - whole_days["recorded"]
            both_vary = len(error) > 2 and min(whole_days[name].nunique() for name in (model, "recorded")) > 1
            rows.append(
                {
                    "measure": measure,
                    "model": model,
                    "mean_absolute_error": float(error.abs().mean()),
                    "bias": float(error.mean()),
                    "correlation": float(whole_days[model].corr(whole_days["recorded"])) if both_vary else math.nan,
                }
            )
    return pd.DataFrame(rows)


def _erlang(
    real: _Real, counted: NDArray[np.bool_], there: days.Staffing, habits: days.Habits, within: float
) -> dict[str, NDArray[np.float64]]:
    """Erlang A per day and half hour (Palm 1957), told to each counted call.

    It knows the arrivals, the agents present (between two whole numbers by their weights), the mean talk and pause, and
    one rate of giving up: abandoned calls over seconds waited.
    """
    from simulator.support import erlang

    handle = float(np.nanmean(real.talk[counted])) + habits.pause.mean
    patience = float(real.wait[counted].sum()) / max(float((~real.answered[counted]).sum()), 1.0)
    slot, day = days.slots(real.time[counted]), real.day[counted]
    found = {measure: np.empty(len(slot)) for measure in MEASURES}
    known: dict[tuple[int, int], tuple[float, ...]] = {}

    def theory(agents: int, calls: int) -> tuple[float, ...]:
        if (agents, calls) not in known:
            m = erlang.measures(
                agents=agents,
                arrival_rate=calls / days.INTERVAL,
                service_rate=1.0 / handle,
                abandonment_rate=1.0 / max(patience, 1.0),
                answer_within=within,
            )
            known[agents, calls] = (m.p_abandon, m.e_wait, m.sl_served_over_offered)
        return known[agents, calls]

    for d, date in enumerate(real.dates):
        present = days.present_at(there, date)
        today = day == d
        for s in np.unique(slot[today]):
            cell = today & (slot == s)
            agents = float(present[s])
            low, part = int(agents), agents - int(agents)
            mixed = np.array(theory(low, int(cell.sum()))) * (1 - part)
            if part > 0:
                mixed += np.array(theory(low + 1, int(cell.sum()))) * part
            for measure, value in zip(MEASURES, mixed, strict=True):
                found[measure][cell] = value
    return found


# --- files ------------------------------------------------------------------------------------------------------------


def report(made: Replay) -> dict[str, Any]:
    """The summary as plain data."""
    return {
        "format": FORMAT,
        "options": dict(made.options),
        "accuracy": made.accuracy.to_dict("records"),
        "pause_mean": made.habits.pause.mean,
        "away": None
        if made.habits.away_every is None
        else {"every": made.habits.away_every, "mean": made.habits.away.mean},
        "notes": list(made.notes),
    }


def write(made: Replay, folder: Path) -> None:
    """Write the table (``replay.csv``, ``replay.parquet``), ``accuracy.csv``, ``habits.json`` and ``summary.json``."""
    from simulator.results import to_json, write_atomically

    write_atomically(folder / "replay.csv", made.table.to_csv(index=False, lineterminator="\n").encode())
    write_atomically(folder / "accuracy.csv", made.accuracy.to_csv(index=False, lineterminator="\n").encode())
    write_atomically(folder / "habits.json", to_json({"format": FORMAT, "habits": made.habits.document()}))
    write_atomically(folder / "summary.json", to_json(report(made)))
    made.table.to_parquet(folder / "replay.parquet", index=False)
