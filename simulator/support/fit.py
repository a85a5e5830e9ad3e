"""From a call log to the numbers of a scenario: when calls come, how long they last, how long callers wait.

Plain functions in the order of the work: :func:`read_calls` checks a log and puts it in one form;
:func:`arrival_profile`, :func:`kaplan_meier` and :func:`fit_laws` each answer one question; :func:`fit_queue` asks all
of them for one queue and writes the answers in the vocabulary of a scenario. A law is chosen by Akaike's information
criterion (twice the number of parameters less twice the log-likelihood; the lowest wins), and every candidate is
returned, best first, so that the choice can be judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import distributions, timegrid
from simulator.distributions import Law
from simulator.errors import InputError, ParameterError, Problem, nearest

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: dict[str, tuple[str, ...]] = {
    "time": ("time", "arrival_s", "arrival", "arrived", "arrival_time", "start_time", "timestamp", "着信時刻"),
    "outcome": ("outcome", "status", "result", "disposition", "結果"),
    "wait": ("wait", "wait_s", "wait_time", "queue_time", "q_time", "待ち時間"),
    "talk": ("talk", "talk_s", "talk_time", "service_s", "service_time", "ser_time", "通話時間"),
    "date": ("date", "call_date", "day", "日付"),
    "queue": ("queue", "type", "skill", "call_type", "キュー"),
    "agent": ("agent", "agent_id", "server", "オペレーター"),
    "queued": ("queued", "waited"),
    "id": (),
}
"""What a log tells, and the column names it is found under; the first four are required. ``time`` is a full timestamp,
or beside a ``date`` the time of day as ``09:05:30`` or in seconds after midnight. Other durations are seconds or
``mm:ss``. An ``id`` is used only where it is named."""

REQUIRED = ("time", "outcome", "wait", "talk")

OUTCOMES: dict[str, tuple[str, ...]] = {
    "answered": ("answered", "agent", "served", "handled", "応答"),
    "abandoned": ("abandoned", "abandoned_queue", "hang", "lost", "放棄"),
}
"""Words for the two outcomes, in lower case."""

ROW_FAULTS: dict[str, str] = {
    "unparsable": "a time, wait or talk that cannot be read",
    "negative": "a negative wait or talk",
    "answered_without_talk": "answered, but no talk is recorded",
    "abandoned_with_agent": "abandoned, but an agent is recorded",
    "duplicate": "the same row again",
}
"""What can be wrong with a row; :func:`read_calls` leaves such rows out only when told to."""

LAW_FAMILIES = ("exponential", "weibull", "gamma", "lognormal", "hyperexponential")
"""Families that :func:`fit_laws` tries; the hyperexponential has two parts."""


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class CallLog:
    """Calls in one form.

    Attributes:
        calls: one row per call that asked for an agent, in the order of the file: ``date`` (midnight), ``time``
            (seconds after midnight), ``queue``, ``answered`` and ``waited`` (bool), ``wait`` and ``talk`` (seconds,
            talk NaN unless answered), ``agent`` (missing when unknown), ``line`` in the file.
        dates: every day with a row in the file, so that a queue without calls on a day counts as zero.
        skipped: rows left out, by fault or by ignored outcome.
    """

    calls: pd.DataFrame
    dates: pd.DatetimeIndex
    skipped: Mapping[str, int]

    def only(
        self,
        queue: str | Sequence[str] | None = None,
        *,
        first: str | None = None,
        last: str | None = None,
        without: Collection[str] = (),
    ) -> CallLog:
        """The calls of some queues and of the days from ``first`` to ``last`` (both included) but ``without``."""
        import pandas as pd

        names = [queue] if isinstance(queue, str) else queue
        days = self.dates[self.dates.slice_indexer(first, last)].difference(pd.DatetimeIndex(list(without)))
        keep = self.calls["date"].isin(days)
        if names is not None:
            keep &= self.calls["queue"].isin(names)
        return replace(self, calls=self.calls[keep], dates=days)


def read_calls(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    answered: Collection[str] = OUTCOMES["answered"],
    abandoned: Collection[str] = OUTCOMES["abandoned"],
    ignore: Collection[str] = (),
    skip: Collection[str] = (),
) -> CallLog:
    """Read a log of calls (CSV, packed or not, one row per call).

    Args:
        columns: names of the file's columns by meaning, where :data:`COLUMNS` does not find them.
        answered, abandoned: what the outcome column says of the two.
        ignore: outcomes that are no call to an agent (left in the menu, tests).
        skip: kinds of row, of :data:`ROW_FAULTS`, to leave out and count instead of refusing the file.

    Raises:
        InputError: every problem of the file at once, rows of a kind as one problem with their number.
        ParameterError: ``skip`` or ``columns`` names something unknown.
    """
    import pandas as pd

    for names, known in ((skip, ROW_FAULTS), (columns or {}, COLUMNS)):
        for name in names:
            if name not in known:
                raise ParameterError(f"{name!r} is none of {', '.join(known)} (nearest: {nearest(name, list(known))})")
    table, too_long = _read_table(path, "unparsable" in skip)
    place = _find_columns(table, columns or {}, str(path))

    def text(name: str) -> pd.Series:
        if name not in place:
            return pd.Series(pd.NA, index=table.index, dtype="str")
        stripped = table[place[name]].str.strip()
        return stripped.where(stripped != "")

    said = text("outcome").str.lower()
    is_answered, is_abandoned, is_ignored = (
        said.isin([str(word).lower() for word in words]) for words in (answered, abandoned, ignore)
    )
    date, time = _moments(text("date") if "date" in place else None, text("time"))
    wait, talk = _durations(text("wait")), _durations(text("talk"))
    counts = ~is_ignored
    unread = date.isna() | time.isna() | said.isna() | wait.isna() | (talk.isna() & text("talk").notna())
    repeated = table.duplicated()
    if "id" in place:
        repeated |= text("id").notna() & text("id").duplicated()
    faults = {
        "unparsable": counts & unread,
        "negative": counts & ((wait < 0) | (talk < 0)),
        "answered_without_talk": is_answered & text("talk").isna(),
        "abandoned_with_agent": is_abandoned & text("agent").notna(),
        "duplicate": counts & repeated,
    }
    problems = [
        Problem(str(path), _line(rows), place.get("outcome", ""), f"{rows.sum()} rows: {ROW_FAULTS[kind]}",
                allowed=f"leave them out with skip={kind!r}")
        for kind, rows in faults.items() if rows.any() and kind not in skip
    ]  # fmt: skip
    unknown = counts & said.notna() & ~is_answered & ~is_abandoned
    for word, rows in unknown[unknown].groupby(said[unknown]):
        problems.append(
            Problem(str(path), _line(rows), place["outcome"], f"{len(rows)} rows with an outcome of no known meaning",
                    found=repr(word), allowed=f"{', '.join([*answered, *abandoned])}, or one to ignore")
        )  # fmt: skip
    if problems:
        raise InputError(problems)

    keep, skipped = counts.copy(), {f"ignored {word}": int((said == str(word).lower()).sum()) for word in ignore}
    for kind, rows in faults.items():
        skipped[kind] = int((rows & keep).sum()) + (too_long if kind == "unparsable" else 0)
        keep &= ~rows
    waited = _truth(text("queued")) if "queued" in place else (wait > 0) | is_abandoned
    calls = pd.DataFrame(
        {
            "date": date,
            "time": time,
            "queue": text("queue").fillna("calls"),
            "answered": is_answered,
            "waited": waited,
            "wait": wait,
            "talk": talk.where(is_answered),
            "agent": text("agent"),
            "line": table.index + 2,
        }
    )
    dates = pd.DatetimeIndex(sorted(date.dropna().unique()))
    return CallLog(calls[keep], dates, {kind: number for kind, number in skipped.items() if number})


def _read_table(path: str | Path, skip_long: bool) -> tuple[pd.DataFrame, int]:
    """The file as text, and how many rows had too many fields and were left out."""
    import pandas as pd

    long_rows = 0

    def leave_out(_: list[str]) -> None:
        nonlocal long_rows
        long_rows += 1

    try:
        try:
            table = pd.read_csv(path, dtype="str", skip_blank_lines=False)
        except pd.errors.ParserError:
            if not skip_long:
                raise
            table = pd.read_csv(path, dtype="str", skip_blank_lines=False, engine="python", on_bad_lines=leave_out)
    except (OSError, UnicodeDecodeError, pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise InputError([Problem(str(path), None, "", f"the call log cannot be read: {error}")]) from None
    return table.dropna(how="all"), long_rows  # the index still tells the line


def _find_columns(table: pd.DataFrame, given: Mapping[str, str], file: str) -> dict[str, str]:
    names = {str(column).strip().lower(): str(column) for column in table.columns}
    place: dict[str, str] = {}
    problems: list[Problem] = []
    for meaning, known in COLUMNS.items():
        wanted = (given[meaning],) if meaning in given else known
        column = next((names[word.lower()] for word in wanted if word.lower() in names), None)
        if column is not None:
            place[meaning] = column
        elif meaning in given or meaning in REQUIRED:
            problems.append(
                Problem(file, 1, meaning, "no such column", found=", ".join(names.values()), allowed=", ".join(wanted),
                        nearest=nearest(wanted[0], list(names.values())))
            )  # fmt: skip
    if problems:
        raise InputError(problems)
    return place


def _durations(text: pd.Series, short: str = "0:{}") -> pd.Series:
    """Seconds from ``95``, ``1:35`` or ``0:01:35``; NaN where the text is neither. ``short`` completes two parts."""
    import pandas as pd

    plain = pd.to_numeric(text, errors="coerce")
    colons = text.str.count(":")
    full = text.where(colons != 1, text.map(short.format, na_action="ignore")).where(colons.isin([1, 2]))
    seconds = plain.fillna(pd.to_timedelta(full, errors="coerce").dt.total_seconds())
    return seconds.where(np.isfinite(seconds))


def _moments(date: pd.Series | None, time: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Midnight of the day and seconds after it."""
    import pandas as pd

    if date is not None:
        return pd.to_datetime(date, errors="coerce", format="mixed").dt.normalize(), _durations(time, short="{}:00")
    stamp = pd.to_datetime(time, errors="coerce", format="mixed")
    return stamp.dt.normalize(), (stamp - stamp.dt.normalize()).dt.total_seconds()


def _truth(text: pd.Series) -> pd.Series:
    return text.str.lower().isin(["1", "1.0", "true", "yes", "y"])


def _line(rows: pd.Series) -> int:
    """The line of the first marked row: the header is line 1."""
    return int(rows.index[rows.to_numpy(dtype=bool)][0]) + 2


# --- arrivals --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ArrivalProfile:
    """Mean calls per interval.

    Attributes:
        table: day name to ``"09:00"`` to mean calls, as ``arrivals.table`` of a scenario reads it.
        days: recorded days behind each day name (pooled names share theirs).
        day_cv: spread of the day factor, by :func:`day_factor_cv`.
        outside: calls outside the opening hours, which the table leaves out.
    """

    table: dict[str, dict[str, float]]
    days: dict[str, int]
    day_cv: float
    outside: int

    def write(self, path: str | Path) -> None:
        """Write a CSV with the columns weekday, time, calls."""
        rows = [f"{day},{time},{mean:.4g}" for day, line in self.table.items() for time, mean in line.items()]
        Path(path).write_text("\n".join(["weekday,time,calls", *rows]) + "\n", encoding="utf-8")


def arrival_profile(
    log: CallLog,
    *,
    hours: Mapping[str, str] | None = None,
    pools: Iterable[str] = timegrid.WEEKDAYS,
    interval: float = 1800.0,
) -> ArrivalProfile:
    """Mean calls per interval by weekday, over the recorded days.

    Args:
        hours: opening hours; calls outside are left out of the table and counted. None: always open.
        pools: days that share one profile (``"sun-thu"``, ``"fri"``): fewer shapes, each from more days.
        interval: seconds, dividing an hour.

    The day factor is measured within cells of pool and calendar month, so that neither the shape of the week nor growth
    passes for it.
    """
    import pandas as pd

    weekday = log.dates.day_of_week.to_numpy()
    slots = round(timegrid.DAY_SECONDS / interval)
    is_open = timegrid.open_slots(hours, interval) if hours else np.ones((8, slots), dtype=bool)
    day = log.dates.get_indexer(pd.DatetimeIndex(log.calls["date"]))
    slot = (log.calls["time"].to_numpy() // interval).astype(np.int64)
    inside = (slot >= 0) & (slot < slots)
    inside[inside] = is_open[weekday[day[inside]], slot[inside]]
    count = np.zeros((len(log.dates), slots))
    np.add.at(count, (day[inside], slot[inside]), 1)
    table: dict[int, dict[str, float]] = {}
    days: dict[int, int] = {}
    cell = np.full(len(log.dates), -1)
    for number, pool in enumerate(pools):
        kinds = sorted(timegrid.parse_hours({pool: "closed"}))
        here = np.isin(weekday, kinds)
        if not here.any():
            continue
        cell[here] = number
        mean = count[here].mean(axis=0)
        for kind in (k for k in kinds if k < 7 and is_open[k].any()):
            table[kind] = {_clock(s * interval): float(mean[s]) for s in np.flatnonzero(is_open[kind])}
            days[kind] = int(here.sum())
    month = log.dates.year.to_numpy() * 12 + log.dates.month.to_numpy()
    used = cell >= 0
    names = timegrid.WEEKDAYS
    return ArrivalProfile(
        table={names[k]: table[k] for k in sorted(table)},
        days={names[k]: days[k] for k in sorted(days)},
        day_cv=day_factor_cv(count.sum(axis=1)[used], (month * 100 + cell)[used]),
        outside=int((~inside).sum()),
    )


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}"


def day_factor_cv(total: ArrayLike, cell: ArrayLike) -> float:
    """Spread of a day factor of mean 1, by the method of moments.

    Given the factor a day's calls are Poisson, so in a cell of mean m their variance is m + cv²·m². Of n days in a cell
    the squared deviations from the cell's own mean expect (n − 1)·(m + cv²·m²); summed over cells this gives cv². Days
    no more varied than Poisson give 0.

    Args:
        total: calls by day, (D,).
        cell: days with the same label are alike, (D,). A label that occurs once tells nothing.

    Returns:
        The coefficient of variation; NaN when no cell holds two days.
    """
    calls = np.asarray(total, dtype=float)
    _, label = np.unique(np.asarray(cell), return_inverse=True)
    days = np.bincount(label)
    mean = np.bincount(label, calls) / days
    squares = float(np.sum((calls - mean[label]) ** 2))
    poisson, scale = float(np.sum((days - 1) * mean)), float(np.sum((days - 1) * mean**2))
    return math.sqrt(max(squares - poisson, 0.0) / scale) if scale > 0 else math.nan


# --- waiting and talking ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """Share still waiting after a time: 1 before ``time[0]``, ``share[k]`` from ``time[k]`` on; ``at_risk[k]`` were
    still there just before it."""

    time: NDArray[np.float64]
    share: NDArray[np.float64]
    at_risk: NDArray[np.int64]

    def at(self, t: ArrayLike) -> NDArray[np.float64]:
        """The share still waiting after ``t`` seconds."""
        place = np.searchsorted(self.time, np.asarray(t, dtype=float), side="right")
        return np.concatenate([[1.0], self.share])[place]


def patience_sample(log: CallLog) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How long callers waited, and whether they gave up then (else they were answered, and would have waited longer).

    Callers answered without a wait are left out: nobody knows whether they would have waited at all.
    """
    waited = log.calls[log.calls["waited"]]
    return waited["wait"].to_numpy(dtype=float), ~waited["answered"].to_numpy(dtype=bool)


def kaplan_meier(duration: ArrayLike, ended: ArrayLike) -> SurvivalCurve:
    """The survival curve of durations of which some did not end (Kaplan and Meier 1958). At equal times an end comes
    before a censoring, as usual."""
    from scipy import stats

    t, event = _sample(duration, ended)
    curve = stats.ecdf(stats.CensoredData(uncensored=t[event], right=t[~event])).sf
    time = np.asarray(curve.quantiles)
    at_risk = len(t) - np.searchsorted(np.sort(t), time, side="left")
    return SurvivalCurve(time, np.asarray(curve.probabilities), at_risk)


@dataclass(frozen=True)
class LawFit:
    """A law fitted by maximum likelihood; ``parameters`` is how many were fitted."""

    law: Law
    parameters: int
    log_likelihood: float

    @property
    def aic(self) -> float:
        """Akaike's information criterion: lower is better."""
        return 2.0 * self.parameters - 2.0 * self.log_likelihood

    def gap(self, curve: SurvivalCurve, at_risk: int = 30) -> float:
        """Largest vertical distance to a survival curve, where at least ``at_risk`` were still there."""
        seen = curve.at_risk >= at_risk
        return float(np.max(np.abs(self.law.survival(curve.time[seen]) - curve.share[seen]), initial=0.0))


def fit_laws(
    duration: ArrayLike,
    ended: ArrayLike | None = None,
    *,
    families: Iterable[str] = LAW_FAMILIES,
    resolution: float = 1.0,
    atom: bool = False,
) -> tuple[LawFit, ...]:
    """One law of each family for a duration, by maximum likelihood, the lowest AIC first.

    A recorded w means a true value within half a ``resolution`` of it (logs round to seconds, and a density would give
    a zero infinite weight); a duration that had not ended at w counts with P(X > w).

    Args:
        duration: seconds, (n,).
        ended: whether each duration ended, (n,); None: all did.
        resolution: seconds to which the log rounds.
        atom: where some ended at 0, try each family also with a probability of exactly 0 (callers who hang up when
            told to wait) and keep the better of the two.

    Raises:
        ParameterError: negative or non-finite durations, none that ended, or an unknown family.
    """
    t, event = _sample(duration, ended)
    pairs, count = np.unique(np.stack([t, event]), axis=1, return_counts=True)
    value, end = pairs[0], pairs[1] > 0
    low = np.where(end, value - resolution / 2, value)
    high = value + resolution / 2
    rate = float(event.sum() / max(t.sum(), resolution))

    def loss(law: Law) -> float:
        above = np.where(low <= 0, 1.0, law.survival(low))
        weight = above - np.where(end, law.survival(high), 0.0)
        # a cell that a far-off trial law gives no weight must cost more than any other, not be infinite
        return -float(count @ np.log(np.maximum(weight, 1e-300)))

    longest = max(float(t.max()), resolution)
    at_zero = float(np.mean(event & (t == 0)))
    fits: list[LawFit] = []
    for name in families:
        make, start, bounds = _family(name, 1.0 / rate, longest)
        candidates = [_fit(make, start, bounds, loss)]
        if atom and at_zero > 0:
            candidates.append(_fit(_with_atom(make), [*start, _logit(at_zero)], [*bounds, _PROBABILITY], loss))
        fits.append(min(candidates, key=lambda fit: fit.aic))
    return tuple(sorted(fits, key=lambda fit: fit.aic))


_Make = Callable[[NDArray[np.float64]], Law]
_Bounds = list[tuple[float, float]]
_PROBABILITY = (-12.0, 12.0)  # as a logit: 6 in a million to all but that


def _family(name: str, mean: float, longest: float) -> tuple[_Make, list[float], _Bounds]:
    """How to make a family's law from free numbers (logarithms, and a logit for a probability), where to start and how
    far to look. With most durations cut off the mean is an extrapolation: it is kept below 100 times the longest."""
    m = math.log(mean)
    time: tuple[float, float] = (math.log(longest) - 14.0, math.log(longest) + math.log(100.0))
    shape: tuple[float, float] = (-3.0, 4.0)
    if name == "exponential":
        return lambda x: distributions.exponential(math.exp(x[0])), [m], [time]
    if name == "weibull":
        return lambda x: distributions.weibull(mean=math.exp(x[0]), shape=math.exp(x[1])), [m, 0.0], [time, shape]
    if name == "gamma":
        return lambda x: distributions.gamma(mean=math.exp(x[0]), shape=math.exp(x[1])), [m, 0.0], [time, shape]
    if name == "lognormal":
        spread = (-4.0, 1.5)
        return (
            lambda x: distributions.lognormal(median=math.exp(x[0]), sigma=math.exp(x[1])),
            [m - 0.5, 0.0],
            [time, spread],
        )
    if name == "hyperexponential":

        def two_parts(x: NDArray[np.float64]) -> Law:
            p = _logistic(x[0])
            means = (math.exp(x[1]), math.exp(x[2]))
            return distributions.hyperexponential((p, 1.0 - p), means)

        return two_parts, [0.0, m - 1.5, m + 1.0], [_PROBABILITY, time, time]
    raise ParameterError(f"no fit of the family {name!r}; families: {', '.join(LAW_FAMILIES)}")


def _with_atom(make: _Make) -> _Make:
    return lambda x: distributions.with_zero(make(x[:-1]), _logistic(x[-1]))


def _fit(make: _Make, start: list[float], bounds: _Bounds, loss: Callable[[Law], float]) -> LawFit:
    from scipy import optimize

    origin = np.array(start)
    # steps of 1/2 in logarithms: scipy's own first steps are 5 % of each number, which is nothing where it is near 0
    simplex = np.vstack([origin, origin + np.eye(len(start)) / 2])
    options: Any = {"initial_simplex": simplex, "maxiter": 4000, "xatol": 1e-5, "fatol": 1e-6}

    def trial(x: NDArray[np.float64]) -> float:
        return loss(make(x))

    best = optimize.minimize(
        trial,
        origin,
        method="Nelder-Mead",
        bounds=bounds,
        options=options,
    )
    return LawFit(make(best.x), len(bounds), -float(best.fun))


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def _logit(p: float) -> float:
    return math.log(p / (1.0 - p))


def _sample(duration: ArrayLike, ended: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    t = np.asarray(duration, dtype=float)
    event = np.ones(t.shape, dtype=bool) if ended is None else np.asarray(ended, dtype=bool)
    if t.shape != event.shape or t.ndim != 1:
        raise ParameterError(f"{t.shape} durations, but {event.shape} marks of an end")
    if not np.all(np.isfinite(t) & (t >= 0)):
        raise ParameterError("durations must be finite and not negative")
    if not event.any():
        raise ParameterError("no duration ended, so nothing can be said of how long they last")
    return t, event


# --- a queue ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class QueueFit:
    """Everything fitted for one queue.

    Attributes:
        offered, abandoned: calls.
        patience, talk: candidates, best first; patience is empty when nobody gave up. A talk law keeps its fitted shape
            and takes the recorded mean: offered load follows the mean, and the log knows that one exactly.
        waited: the Kaplan-Meier curve of patience, or None.
        hang_ups: share of answered calls shorter than the limit given, which count as calls of no length.
    """

    offered: int
    abandoned: int
    profile: ArrivalProfile
    patience: tuple[LawFit, ...]
    waited: SurvivalCurve | None
    talk: tuple[LawFit, ...]
    hang_ups: float

    def document(self, table: str | None = None) -> dict[str, Any]:
        """The queue in the vocabulary of a scenario, laws rounded to three digits.

        Args:
            table: the CSV that :meth:`ArrivalProfile.write` wrote, to name in place of the numbers.
        """
        arrivals: dict[str, Any] = {"table": table or self.profile.table}
        if self.profile.day_cv > 0:
            arrivals["day_cv"] = _digits(self.profile.day_cv)
        body: dict[str, Any] = {"channel": "call", "arrivals": arrivals}
        if self.patience:
            body["patience"] = law_document(self.patience[0].law)
        body["talk"] = law_document(self.talk[0].law)
        return body


def fit_queue(
    log: CallLog,
    *,
    hours: Mapping[str, str] | None = None,
    pools: Iterable[str] = timegrid.WEEKDAYS,
    interval: float = 1800.0,
    hang_up: float = 0.0,
    resolution: float = 1.0,
) -> QueueFit:
    """Fit arrivals, patience and talk of one queue's calls (see :meth:`CallLog.only`).

    Args:
        hang_up: answered calls shorter than this many seconds are no conversation (the agent or the caller hangs up);
            they become the atom at zero of the talk law, so that they neither bend it nor vanish from the volume.

    Raises:
        ParameterError: no answered call.
    """
    wait, gave_up = patience_sample(log)
    talk = log.calls.loc[log.calls["answered"], "talk"].to_numpy(dtype=float)
    spoken = talk[talk >= hang_up]
    if spoken.size == 0:
        raise ParameterError("no answered call to fit a talk time to")
    hang_ups = 1.0 - spoken.size / talk.size
    mean = float(talk.mean()) / (1.0 - hang_ups)
    return QueueFit(
        offered=len(log.calls),
        abandoned=int((~log.calls["answered"]).sum()),
        profile=arrival_profile(log, hours=hours, pools=pools, interval=interval),
        patience=fit_laws(wait, gave_up, resolution=resolution, atom=True) if gave_up.any() else (),
        waited=kaplan_meier(wait, gave_up) if gave_up.any() else None,
        talk=tuple(
            replace(fit, law=replace(fit.law, scale=mean, zero=hang_ups))
            for fit in fit_laws(spoken, resolution=resolution)
        ),
        hang_ups=hang_ups,
    )


def law_document(law: Law) -> dict[str, Any]:
    """A law in the vocabulary of a scenario, rounded to three digits (probabilities to four).

    A lognormal law is told by mean and cv, or where cv exceeds 3 by median and sigma: its mean is then made by a tail
    that nobody has seen.
    """

    def time(value: float) -> str:
        return f"{_digits(value):g} s"

    mean = time(law.scale)
    body: dict[str, Any]
    if law.family == "exponential":
        body = {"mean": mean}
    elif law.family in ("weibull", "gamma"):
        body = {"mean": mean, "shape": _digits(law.shape[0])}
    elif law.family == "lognormal":
        sigma = law.shape[0]
        cv = math.sqrt(math.expm1(sigma**2))
        median = time(law.scale * math.exp(-(sigma**2) / 2))
        body = {"mean": mean, "cv": _digits(cv)} if cv <= 3 else {"median": median, "sigma": _digits(sigma)}
    elif law.family == "hyperexponential":
        first = round(law.shape[0], 4)
        body = {
            "probabilities": [first, round(1.0 - first, 4)],
            "means": [time(m * law.scale) for m in law.shape[1::2]],
        }
    else:
        raise ParameterError(f"no short form of the family {law.family!r}")
    if law.zero > 0:
        body["zero"] = f"{_digits(100.0 * law.zero):g}%"
    return {law.family: body}


def _digits(value: float) -> float:
    return float(f"{value:.3g}")
