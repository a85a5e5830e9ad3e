"""From a call log to a drafted scenario: what was learned, by which criterion, and what stands as a placeholder.

:func:`draft` reads and fits (the planning logic is in :mod:`simulator.support.fit`), :func:`write` makes the folder:
``scenario.yaml``, a profile per queue under ``data/``, ``agents.csv``, ``fit.json`` and ``summary.txt``.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import itertools
import math
import re
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from simulator import timegrid, units
from simulator.errors import InputError, ParameterError, Problem, UnitError, nearest
from simulator.support import fit
from simulator.units import counted

if TYPE_CHECKING:
    from simulator.glossary import Language
    from simulator.support import tickets

INTERVAL = 1800.0
FEWEST_ANSWERED = 200
"""Kinds of call with fewer answered calls are gathered in one queue: their laws could not be told apart."""
FEWEST_ENDINGS = 30
"""Callers who gave up, or answered calls, below which a law is a placeholder."""
FEWEST_DAYS = 4
"""Recorded days of a weekday below which its profile is doubtful."""
REST = "other"
SHORT, SHORT_SHARE = 10.0, 0.02
"""Seconds below which a talk may be no conversation, and the share of such calls that is worth a word."""

SHRINKAGE, HOURS_PER_WEEK = 0.3, 40.0
AFTER_CALL, PATIENCE = 30.0, 180.0
SERVICE_LEVEL, ANSWER_WITHIN = 0.8, 20.0

Standing = Literal["learned", "placeholder", "open"]


@dataclass(frozen=True)
class Finding:
    """One quantity: what stands in the draft, on what ground, and whether the log taught it.

    ``open`` is what the log cannot tell and the scenario does without.
    """

    subject: str
    quantity: str
    value: str
    ground: str
    standing: Standing = "learned"


@dataclass(frozen=True, eq=False)
class QueueDraft:
    """A queue of the draft: its kinds of call in the log, its calls and their fit."""

    name: str
    kinds: tuple[str, ...]
    log: fit.CallLog
    fit: fit.QueueFit


@dataclass(frozen=True, eq=False)
class Agents:
    """Agents by weekday and half hour, all queues together.

    Attributes:
        weekdays: days with opening hours, W of them.
        calls, suggested: mean calls and least agents, (W, slots).
        present: mean agents present, (W, slots), or None without an agent column.
    """

    weekdays: tuple[int, ...]
    calls: NDArray[np.float64]
    suggested: NDArray[np.int64]
    present: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class Draft:
    """Everything that goes into the folder."""

    source: Path
    log: fit.CallLog
    hours: Mapping[str, str]
    queues: tuple[QueueDraft, ...]
    agents: Agents
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    document: Mapping[str, Any]

    def lines(self, width: int = 100, lang: Language = "en") -> Iterator[str]:
        """The summary for a terminal; headings in the language asked for, the grounds in English."""
        log = self.log
        yield (
            f"{self.source.name}: {log.rows:,} rows, {len(log.calls):,} calls on {len(log.dates)} days, "
            f"{log.dates.min():%Y-%m-%d} to {log.dates.max():%Y-%m-%d}"
        )
        names = [queue.name for queue in self.queues]
        yield from told(lambda standing: _gathered(self.of(standing), names), self.notes, width, lang)

    def of(self, standing: Standing) -> list[Finding]:
        """The findings of one standing."""
        return [finding for finding in self.findings if finding.standing == standing]


def told(
    found: Callable[[Standing], list[Finding]], notes: Sequence[str], width: int, lang: Language = "en"
) -> Iterator[str]:
    """Findings by standing and subject, then the notes, for a terminal.

    Args:
        found: the findings of a standing, those of one subject together.
    """
    from simulator.reporting.wording import phrase

    for standing in ("learned", "placeholder", "open"):
        findings = found(standing)
        if findings:
            yield ""
            yield phrase(f"fit_{standing}", lang)
        for subject, group in itertools.groupby(findings, key=lambda finding: finding.subject):
            yield f"  {subject}"
            for finding in group:
                yield from _hanging(f"{finding.quantity}: {finding.value}", "    ", "      ", width)
                yield from _hanging(finding.ground, "      ", "      ", width)
    if notes:
        yield ""
        yield phrase("fit_left_out", lang)
        for note in notes:
            yield from _hanging(note, "  - ", "    ", width)


def _gathered(findings: list[Finding], queues: list[str]) -> list[Finding]:
    """What is the same for every queue, said once."""
    subjects: dict[tuple[str, str, str], set[str]] = {}
    for finding in findings:
        subjects.setdefault((finding.quantity, finding.value, finding.ground), set()).add(finding.subject)
    told: list[Finding] = []
    for finding in findings:
        if len(queues) == 1 or not subjects[finding.quantity, finding.value, finding.ground] >= set(queues):
            told.append(finding)
        elif finding.subject == queues[0]:
            told.append(replace(finding, subject="every queue"))
    return sorted(told, key=lambda finding: finding.subject == "every queue")


def _hanging(text: str, first: str, rest: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False)


def draft(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    answered: Collection[str] = (),
    abandoned: Collection[str] = (),
    ignore: Collection[str] = (),
    skip: Collection[str] = (),
    queues: Mapping[str, Sequence[str]] | None = None,
    hours: Mapping[str, str] | None = None,
    pools: Sequence[str] = (),
    first: str | None = None,
    last: str | None = None,
    without: Collection[str] = (),
    hang_up: float = 0.0,
    date_format: str | None = None,
    timezone: str | None = None,
    holidays: str | None = None,
    encoding: str = "utf-8-sig",
) -> Draft:
    """Read a call log and draft a scenario from it.

    Args:
        columns, answered, abandoned, ignore, skip, date_format, timezone, encoding: as :func:`fit.read_calls` takes
            them; words for the outcomes add to its own.
        queues: queue of the scenario to kinds of call in the log. None: every kind is a queue; those with fewer than
            :data:`FEWEST_ANSWERED` answered calls are one together.
        hours: opening hours of all queues; None: inferred by :func:`fit.opening_hours`.
        pools: weekdays that share a profile; none: every weekday has its own.
        first, last, without: days used, and days among them that are not (an outage).
        hang_up: answered calls shorter than so many seconds are no conversation.
        holidays: country whose public holidays are left out of the fit and closed in the scenario.

    Raises:
        InputError: every problem of the file or the options found in one reading.
    """
    path = Path(path)
    _check(hours, pools, without, first, last, timezone, holidays, skip, columns)
    read = fit.read_calls(
        path,
        columns,
        answered=[*fit.OUTCOMES["answered"], *answered],
        abandoned=[*fit.OUTCOMES["abandoned"], *abandoned],
        ignore=ignore,
        skip=skip,
        date_format=date_format,
        timezone=timezone,
        encoding=encoding,
    )
    notes = [*read.notes, *left_out(read, fit.ROW_FAULTS, "row")]
    log = read.only(first=first, last=last, without=without)
    if len(log.calls) < len(read.calls):
        fewer = len(read.dates) - len(log.dates)
        notes.append(f"{len(read.calls) - len(log.calls):,} calls of {counted(fewer, 'day')} that you left out")
    if holidays is not None and len(log.dates):
        after = log.dates.max().date() + dt.timedelta(days=1)
        public = timegrid.holiday_dates(holidays, log.dates.min().date(), after)
        days = [f"{day:%Y-%m-%d}" for day in log.dates if day.date() in public]
        before = len(log.calls)
        log = log.only(without=days)
        notes.append(
            f"{len(days)} public holidays of {holidays} with {before - len(log.calls):,} calls: not in the fit"
        )
    if not log.calls["answered"].any():
        raise InputError(
            [Problem(str(path), None, "", "no answered call among the days used: nothing to fit a talk time to")]
        )
    notes += _missing_days(log, read)
    try:
        open_hours = dict(hours) if hours else fit.opening_hours(log, INTERVAL)
    except ParameterError as error:
        raise InputError([Problem(str(path), None, "", str(error), allowed="--hours mon-fri=09:00-18:00")]) from None
    chosen = _queues(log, queues, str(path), notes)
    _spoken(log, chosen, hang_up, str(path))
    fitted = tuple(
        QueueDraft(
            name,
            kinds,
            part := log.only(kinds),
            fit.fit_queue(part, hours=open_hours, pools=pools or timegrid.WEEKDAYS, hang_up=hang_up),
        )
        for name, kinds in chosen.items()
    )
    return _draft(path, log, open_hours, not hours, fitted, pools, timezone, holidays, hang_up, tuple(notes))


def _check(
    hours: Mapping[str, str] | None,
    pools: Sequence[str],
    without: Collection[str],
    first: str | None,
    last: str | None,
    timezone: str | None,
    holidays: str | None,
    skip: Collection[str],
    columns: Mapping[str, str] | None,
) -> None:
    """Options that name nothing, all at once."""
    import zoneinfo

    problems: list[Problem] = []
    for option, names, known in (("--skip", skip, fit.ROW_FAULTS), ("--column", columns or {}, fit.COLUMNS)):
        problems += [
            Problem(
                None, None, option, "unknown name", found=name, allowed=", ".join(known), nearest=nearest(name, known)
            )
            for name in names
            if name not in known
        ]
    for option, entries in (("--hours", dict(hours or {})), ("--pool", dict.fromkeys(pools, "closed"))):
        for day, span in entries.items():
            try:
                timegrid.parse_hours({day: span})
            except ValueError as error:
                problems.append(Problem(None, None, option, str(error), found=f"{day}={span}"))
    for option, days in (("--without", without), ("--first", [first]), ("--last", [last])):
        for text in days:
            try:
                _ = text is None or dt.date.fromisoformat(text)
            except ValueError:
                problems.append(Problem(None, None, option, "no date", found=text, allowed="a date such as 2027-04-01"))
    if timezone is not None and timezone not in zoneinfo.available_timezones():
        problems.append(
            Problem(
                None,
                None,
                "--timezone",
                "unknown time zone",
                found=timezone,
                allowed="a name such as Asia/Tokyo",
                nearest=nearest(timezone, zoneinfo.available_timezones()),
            )
        )
    if holidays is not None:
        import holidays as public

        known_countries = public.list_supported_countries()
        if holidays.partition("-")[0] not in known_countries:
            problems.append(
                Problem(
                    None,
                    None,
                    "--holidays",
                    "unknown country of holidays",
                    found=holidays,
                    allowed="a code such as JP, US or US-CA",
                )
            )
    if problems:
        raise InputError(problems)


def left_out(log: fit.CallLog | tickets.TicketLog, faults: Mapping[str, str], noun: str) -> list[str]:
    """What was read and skipped, a line a kind: a fault that the user said to skip, or a thing called ``noun``."""
    found = []
    for kind, number in log.skipped.items():
        if kind in faults:
            lines = log.skipped_lines.get(kind, ())
            ends = f"{', '.join(map(str, lines))}{', …' if number > len(lines) else ''}"
            where = f" (line{'s' if number > 1 else ''} {ends})" if lines else ""
            found.append(f"{counted(number, 'row')} skipped as you asked: {faults[kind]}{where}")
        else:
            found.append(f"{counted(number, noun)} {kind}")
    return found


def _missing_days(log: fit.CallLog, read: fit.CallLog) -> list[str]:
    """Weekdays that the log has, but not on every date between its ends."""
    import pandas as pd

    every = pd.date_range(log.dates.min(), log.dates.max())
    gone = every.difference(read.dates)
    gone = gone[gone.day_of_week.isin(log.dates.day_of_week.unique())]
    if not len(gone):
        return []
    shown = ", ".join(f"{day:%Y-%m-%d}" for day in gone[:3])
    return [
        f"no row on {counted(len(gone), 'day')} between the first and the last ({shown}"
        f"{', …' if len(gone) > 3 else ''}): taken "
        "as not recorded, not as days without calls"
    ]


def _queues(
    log: fit.CallLog, asked: Mapping[str, Sequence[str]] | None, file: str, notes: list[str]
) -> dict[str, tuple[str, ...]]:
    """Queue of the scenario to kinds of call."""
    offered = log.calls["queue"].value_counts()
    answered = log.calls.loc[log.calls["answered"], "queue"].value_counts().reindex(offered.index, fill_value=0)
    kinds = [str(kind) for kind in offered.index]
    if asked:
        problems = [
            Problem(
                file,
                None,
                "--queue",
                "no call of this kind",
                found=kind,
                allowed=", ".join(kinds),
                nearest=nearest(kind, kinds),
            )
            for wanted in asked.values()
            for kind in wanted
            if kind not in kinds
        ]
        everything = [kind for wanted in asked.values() for kind in wanted]
        problems += [
            Problem(file, None, "--queue", "the kind stands in two queues", found=kind)
            for kind in sorted(set(everything))
            if everything.count(kind) > 1
        ]
        problems += [
            Problem(file, None, "--queue", "no answered call to fit a talk time to", found=name)
            for name, wanted in asked.items()
            if not problems and answered[list(wanted)].sum() == 0
        ]
        if problems:
            raise InputError(problems)
        rest = [kind for kind in kinds if kind not in everything]
        if rest:
            notes.append(f"{offered[rest].sum():,} calls of {', '.join(rest)}: in no queue that you named, left out")
        return {_name(name): tuple(wanted) for name, wanted in asked.items()}
    large = [kind for kind in kinds if answered[kind] >= FEWEST_ANSWERED]
    small = [kind for kind in kinds if kind not in large]
    if not large:
        large, small = ([kinds[0]], []) if len(kinds) == 1 else ([], kinds)
    chosen: dict[str, tuple[str, ...]] = {}
    for kind in large:
        name = _name(kind)
        while name in chosen or (name == REST and small):
            name += "_"
        chosen[name] = (kind,)
    if small and answered[small].sum() == 0:
        notes.append(f"{offered[small].sum():,} calls of {', '.join(small)}: none was answered, left out")
    elif small:
        chosen[REST] = tuple(small)
        notes.append(
            f"{', '.join(small)} have fewer than {FEWEST_ANSWERED} answered calls each: one queue named {REST} "
            "(--queue NAME=KIND,KIND decides otherwise)"
        )
    return chosen


def _spoken(log: fit.CallLog, chosen: Mapping[str, tuple[str, ...]], hang_up: float, file: str) -> None:
    """Every queue needs a conversation to fit a talk time to."""
    talk = log.calls[(log.calls["talk"] > 0) & (log.calls["talk"] >= hang_up)]
    problems = [
        Problem(file, None, "", f"no call of {', '.join(kinds)} was talked for a time over 0 s and --hang-up")
        for kinds in chosen.values()
        if not talk["queue"].isin(kinds).any()
    ]
    if problems:
        raise InputError(problems)


def _name(text: str) -> str:
    """A kind of call as the name of a queue."""
    name = re.sub(r"[^\w-]+", "_", text.strip().lower()).strip("_") or "calls"
    return name if re.match(r"[^\W\d]", name) else f"queue_{name}"


# --- the document and what is said of it -----------------------------------------------------------------------------


def _draft(
    path: Path,
    log: fit.CallLog,
    hours: Mapping[str, str],
    inferred: bool,
    queues: tuple[QueueDraft, ...],
    pools: Sequence[str],
    timezone: str | None,
    holidays: str | None,
    hang_up: float,
    notes: tuple[str, ...],
) -> Draft:
    found: list[Finding] = []
    placeholders: dict[str, str] = {}

    def open_point(path: str, subject: str, quantity: str, value: str, ground: str) -> None:
        placeholders[path] = ground
        found.append(Finding(subject, quantity, value, ground, "placeholder"))

    outside = sum(queue.fit.profile.outside for queue in queues)
    in_queues = sum(len(queue.log.calls) for queue in queues)
    rule = (
        f"inferred from all queues: half hours in which calls were answered on at least {fit.OPEN_SHARE:.0%} "
        f"of the weekday's recorded days (and on two), gaps under {fit.CLOSED_GAP / 3600:g} h filled"
        if inferred
        else "as given"
    )
    found.append(
        Finding(
            "centre",
            "opening hours",
            "; ".join(f"{day} {span}" for day, span in hours.items()),
            f"{rule}; {outside:,} calls ({outside / max(in_queues, 1):.1%}) came outside "
            "them and are not in the arrivals",
        )
    )
    pause = fit.pauses(log)
    after_call = AFTER_CALL if pause is None else pause.mean
    documents: dict[str, Any] = {}
    for queue in queues:
        body = queue.fit.document(f"data/{queue.name}_profile.csv")
        where = f"support.queues.{queue.name}"
        found += _learned(queue, pools, hang_up)
        gave_up = queue.fit.abandoned
        if gave_up < FEWEST_ENDINGS:
            body["patience"] = {"exponential": {"mean": f"{PATIENCE:g} s"}}
            open_point(
                f"{where}.patience",
                queue.name,
                "patience",
                f"{PATIENCE:g} s, exponential",
                f"only {gave_up} callers gave up; a law needs {FEWEST_ENDINGS}",
            )
        if queue.log.calls["answered"].sum() < FEWEST_ENDINGS:
            open_point(
                f"{where}.talk",
                queue.name,
                "talk",
                _law_text(body["talk"]),
                f"only {queue.log.calls['answered'].sum()} answered calls; a law needs {FEWEST_ENDINGS}",
            )
        short = [day for day, days in queue.fit.profile.days.items() if days < FEWEST_DAYS]
        if short:
            open_point(
                f"{where}.arrivals.table",
                queue.name,
                f"arrivals on {', '.join(short)}",
                "as recorded",
                f"fewer than {FEWEST_DAYS} recorded days: a mean of little; pool days with --pool",
            )
        if math.isnan(queue.fit.profile.factors.day_cv):
            body["arrivals"]["day_cv"] = 0.1
            open_point(
                f"{where}.arrivals.day_cv",
                queue.name,
                "day factor",
                "0.1",
                "no two days of one weekday in one month: the spread of days cannot be seen",
            )
        ordered: dict[str, Any] = {"channel": body.pop("channel"), "hours": dict(hours), **body}
        ordered["after_call"] = {"exponential": {"mean": f"{AFTER_CALL:g} s"}} if pause is None else _pause_law(pause)
        ordered["targets"] = {
            "service_level": f"{SERVICE_LEVEL:.0%} in {ANSWER_WITHIN:g} s",
            "window": "month",
            "confidence": "80%",
        }
        documents[queue.name] = ordered
        ground = (
            "the log does not record it: time it"
            if pause is None
            else (
                f"not recorded; stands in: {pause.count:,} pauses of at most {pause.longest:g} s between an "
                "agent's calls while the next caller already waited, which hold the after-call work and whatever else "
                "kept the agent; time it"
            )
        )
        open_point(f"{where}.after_call", queue.name, "after-call work", _law_text(ordered["after_call"]), ground)
        open_point(
            f"{where}.targets",
            queue.name,
            "targets",
            ordered["targets"]["service_level"],
            "a wish, not a fact of the log: put what you promise",
        )
        if f"{where}.arrivals.growth_per_year" not in placeholders:
            ordered["arrivals"]["growth_per_year"] = 0
            weeks = (log.dates.max() - log.dates.min()).days / 7
            open_point(
                f"{where}.arrivals.growth_per_year",
                queue.name,
                "growth and season",
                "none",
                f"{weeks:.0f} weeks of records do not tell growth from season",
            )

    agents, finding = _agents(log, hours, queues, after_call)
    found += finding
    total = float((agents.suggested if agents.present is None else agents.present).sum()) * INTERVAL / 3600
    headcount = max(1, math.ceil(total / HOURS_PER_WEEK / (1 - SHRINKAGE) - 1e-9))
    group = "agents"
    where = f"support.groups.{group}"
    ground = (
        f"{total:,.0f} suggested agent-hours a week"
        if agents.present is None
        else f"{total:,.0f} agent-hours a week present, as inferred from the calls"
    )
    open_point(
        f"{where}.headcount",
        "people",
        "headcount",
        counted(headcount, "head"),
        f"{ground}, over {HOURS_PER_WEEK:g} h a week and {SHRINKAGE:.0%} shrinkage: put your roster",
    )
    open_point(
        f"{where}.shrinkage", "people", "shrinkage", f"{SHRINKAGE:.0%}", "breaks, training, leave are in no call log"
    )
    open_point(
        f"{where}.serves", "people", "skills", "one group serves every queue alike", "the log shows no routing rule"
    )
    open_point(f"{where}.salary_per_year", "people", "pay", "0", "no call log holds pay: costs are 0 until you put it")
    if timezone is None:
        open_point("calendar.timezone", "centre", "time zone", "UTC", "the log tells none; give --timezone NAME")
    again = fit.redials(log)
    if again is None:
        found.append(
            Finding("centre", "redials", "not learned", "no column of customers among the abandoned calls", "open")
        )
    else:
        found.append(
            Finding(
                "centre",
                "redials",
                f"{again.again:.1%} of those who gave up called again within {again.within / 60:g} min"
                + (f", half of them within {again.delay:,.0f} s" if again.again else ""),
                f"same customer, {again.abandoned:,} abandoned calls with a known one; after an answered call "
                f"{again.answered_again:.1%} call again as soon. The arrivals already hold these calls: they are not "
                "added once more",
            )
        )
    if holidays is None:
        found.append(
            Finding(
                "centre", "public holidays", "none", "--holidays CODE closes them and keeps them out of the fit", "open"
            )
        )
    after = timegrid.add_months(log.dates.max().date().replace(day=1), 1)
    calendar: dict[str, Any] = {"start": f"{after:%Y-%m}", "months": 12, "timezone": timezone or "UTC"}
    if holidays is not None:
        calendar["holidays"] = holidays
    document = {
        "name": f"Drafted from {path.name}",
        "calendar": {**calendar, "interval": "30 min"},
        "monte_carlo": {"replications": 100, "seed": 1},
        "support": {
            "queues": documents,
            "groups": {
                group: {
                    "headcount": headcount,
                    "hours_per_week": int(HOURS_PER_WEEK),
                    "shrinkage": f"{SHRINKAGE:.0%}",
                    "serves": {queue.name: 1 for queue in queues},
                    "salary_per_year": 0,
                }
            },
        },
        "placeholders": placeholders,
    }
    return Draft(path, log, hours, queues, agents, _by_subject(found), notes, document)


def _by_subject(found: list[Finding]) -> tuple[Finding, ...]:
    order = list(dict.fromkeys(finding.subject for finding in found))
    return tuple(sorted(found, key=lambda finding: order.index(finding.subject)))


def _pause_law(pause: fit.Pauses) -> dict[str, Any]:
    """Lognormal through the median and the mean."""
    if pause.mean <= pause.median * 1.02 or pause.median <= 0:
        return {"exponential": {"mean": f"{pause.mean:.3g} s"}}
    sigma = math.sqrt(2 * math.log(pause.mean / pause.median))
    return {"lognormal": {"median": f"{pause.median:.3g} s", "sigma": float(f"{sigma:.3g}")}}


def _law_text(law: Any) -> str:
    family, body = next(iter(law.items()))
    return f"{family} {', '.join(f'{key} {_listed(value)}' for key, value in body.items())}"


def _listed(value: Any) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _learned(queue: QueueDraft, pools: Sequence[str], hang_up: float) -> list[Finding]:
    fitted = queue.fit
    profile = fitted.profile
    days = sorted(set(profile.days.values()))
    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    per_day = {day: sum(row.values()) for day, row in profile.table.items()}
    busiest = max(per_day, key=lambda day: per_day[day]) if per_day else "-"
    by = f"pool of weekdays ({'; '.join(pools)})" if pools else "weekday"
    kinds = "" if queue.kinds == (queue.name,) else f" (in the log: {', '.join(queue.kinds)})"
    found = [
        Finding(
            queue.name,
            "calls",
            f"{fitted.offered:,}, {fitted.abandoned / max(fitted.offered, 1):.1%} abandoned{kinds}",
            "answered and abandoned together; others never asked for an agent",
        ),
        Finding(
            queue.name,
            "arrivals",
            f"{sum(per_day.values()):,.0f} calls in a week, most on {busiest} ({per_day.get(busiest, 0):,.0f})",
            f"mean calls by {by} and half hour, from "
            f"{span} recorded days each; {profile.outside:,} calls outside the hours",
        ),
    ]
    factors = profile.factors
    if not math.isnan(factors.day_cv):
        found.append(
            Finding(
                queue.name,
                "day factor",
                f"cv {factors.day_cv:.3f}",
                "method of moments within weekday and month, Poisson noise taken off; with the half hours' own factor "
                f"whole days vary by cv {factors.total_cv:.3f}",
            )
        )
        found.append(
            Finding(
                queue.name,
                "interval factor",
                f"cv {factors.interval_cv:.3f}, memory {factors.interval_memory:.0%}",
                "method of moments from single half hours, neighbours and whole days: what the day factor leaves over",
            )
        )
    if fitted.abandoned >= FEWEST_ENDINGS and fitted.patience and fitted.waited is not None:
        best = fitted.patience[0]
        found.append(
            Finding(
                queue.name,
                "patience",
                _law_text(fit.law_document(best.law)),
                f"lowest AIC of {len(fitted.patience)} laws ({_ranking(fitted.patience)}), maximum likelihood with "
                f"answered callers censored; {fitted.abandoned:,} gave up; largest distance to Kaplan-Meier "
                f"{best.gap(fitted.waited):.3f} where 30 still waited",
            )
        )
    if queue.log.calls["answered"].sum() >= FEWEST_ENDINGS:
        best = fitted.talk[0]
        talk = queue.log.calls["talk"].dropna()
        curve = fit.kaplan_meier(talk, np.ones(len(talk), dtype=bool))
        zero = int((talk == 0).sum())
        cut = f"; {fitted.hang_ups:.1%} under {hang_up:g} s count as no talk" if hang_up else ""
        short = float((talk < SHORT).mean())
        if not hang_up and short > SHORT_SHARE:
            cut += (
                f"; {short:.1%} last less than {SHORT:g} s: no conversations? --hang-up '{SHORT:g} s' sets them apart"
            )
        cut += f"; {zero:,} answered calls with a talk of 0 s" if zero else ""
        found.append(
            Finding(
                queue.name,
                "talk",
                _law_text(fit.law_document(best.law)),
                f"shape of the lowest AIC of {len(fitted.talk)} laws ({_ranking(fitted.talk)}), with the recorded mean "
                f"{talk.mean():.0f} s of {len(talk):,} answered calls; largest distance to their curve "
                f"{best.gap(curve):.3f}{cut}",
            )
        )
    return found


def _ranking(fits: tuple[fit.LawFit, ...]) -> str:
    return f"next {fits[1].law.family}, +{fits[1].aic - fits[0].aic:,.1f}" if len(fits) > 1 else "no other"


def _agents(
    log: fit.CallLog, hours: Mapping[str, str], queues: tuple[QueueDraft, ...], after_call: float
) -> tuple[Agents, list[Finding]]:
    is_open = timegrid.open_slots(hours, INTERVAL)[:7]
    weekday = log.dates.day_of_week.to_numpy()
    days = tuple(day for day in range(7) if is_open[day].any() and (weekday == day).any())
    slots = is_open.shape[1]
    calls, work = np.zeros((len(days), slots)), np.zeros((len(days), slots))
    for queue in queues:
        for row, day in enumerate(days):
            for time, mean in queue.fit.profile.table.get(timegrid.WEEKDAYS[day], {}).items():
                slot = int(timegrid.clock_seconds(time) // INTERVAL)
                calls[row, slot] += mean
                work[row, slot] += mean * (queue.fit.talk[0].law.mean + after_call)
    used = log.only([kind for queue in queues for kind in queue.kinds]).calls
    waited = float(used["wait"].sum())
    rate = float((~used["answered"]).sum()) / waited if waited > 0 else 0.0
    handle = np.divide(work, calls, out=np.zeros_like(work), where=calls > 0)
    suggested = fit.suggested_agents(
        calls, handle, giving_up_rate=rate, service_level=SERVICE_LEVEL, answer_within=ANSWER_WITHIN, interval=INTERVAL
    )
    patience = f"1 of {1 / rate:,.0f} s waited ends in giving up" if rate else "nobody gives up"
    found = [
        Finding(
            "people",
            "suggested agents",
            f"{suggested.sum() * INTERVAL / 3600:,.0f} agent-hours a week, at most {suggested.max()} at once",
            f"Erlang A by weekday and half hour for {SERVICE_LEVEL:.0%} in {ANSWER_WITHIN:g} s, all queues as one, "
            f"mean day, handle time {float(work.sum() / max(calls.sum(), 1e-9)):.0f} s with the after-call "
            f"placeholder, {patience}; see agents.csv",
        )
    ]
    present = None
    if used["agent"].notna().any():
        stretches = fit.presence(replace(log, calls=used))
        by_day = fit.present_by_interval(stretches, log.dates, INTERVAL)
        present = np.array([by_day[weekday == day].mean(axis=0) for day in days])
        answered = used[used["answered"]]
        unknown = int(answered["agent"].isna().sum())
        found.append(
            Finding(
                "people",
                "agents present",
                f"{present.sum() * INTERVAL / 3600:,.0f} agent-hours a week, "
                f"{stretches['agent'].nunique()} different agents",
                f"inferred: from first to last call of the day, more than {fit.ABSENCE:g} s between own calls is "
                f"absence, short breaks are presence; {unknown:,} answered calls name no agent",
            )
        )
    else:
        found.append(Finding("people", "agents present", "not learned", "no column of agents", "open"))
    return Agents(days, calls, suggested, present), found


# --- the folder ------------------------------------------------------------------------------------------------------


def write(made: Draft, folder: Path, options: Mapping[str, Any] | None = None) -> None:
    """Write the folder of a draft, and read its scenario back.

    Raises:
        InputError: the drafted scenario does not hold (a fault of this module).
    """
    from simulator.results import to_json, write_atomically
    from simulator.scenario.loading import dump, read

    for queue in made.queues:
        file = folder / "data" / f"{queue.name}_profile.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        queue.fit.profile.write(file)
    write_atomically(folder / "agents.csv", _agents_csv(made.agents).encode())
    write_atomically(folder / "fit.json", to_json(report(made, options)))
    write_atomically(folder / "summary.txt", ("\n".join(made.lines()) + "\n").encode())
    head = [
        f"Drafted from the call log {made.source.name}: {len(made.log.calls):,} calls on {len(made.log.dates)} days,",
        f"{made.log.dates.min():%Y-%m-%d} to {made.log.dates.max():%Y-%m-%d}.",
        "summary.txt says what each number rests on.",
        "What stands under `placeholders` is NOT from the log: replace it, then delete its line there.",
    ]
    text = "".join(f"# {line}\n" for line in head) + "\n" + dump(made.document)
    write_atomically(folder / "scenario.yaml", text.encode())
    read(folder / "scenario.yaml")


def _agents_csv(agents: Agents) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(
        ["weekday", "time", "calls", "suggested_agents", *([] if agents.present is None else ["present_agents"])]
    )
    for row, day in enumerate(agents.weekdays):
        for slot in np.flatnonzero((agents.calls[row] > 0) | (agents.present is not None and agents.present[row] > 0)):
            present = [] if agents.present is None else [f"{agents.present[row, slot]:.3g}"]
            time = f"{int(slot * INTERVAL // 3600):02d}:{int(slot * INTERVAL % 3600 // 60):02d}"
            table.writerow(
                [
                    timegrid.WEEKDAYS[day],
                    time,
                    f"{agents.calls[row, slot]:.4g}",
                    int(agents.suggested[row, slot]),
                    *present,
                ]
            )
    return out.getvalue()


def report(made: Draft, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything fitted, as plain data: every candidate law, every finding, the file's fingerprint."""
    return {
        "source": {"file": made.source.name, "sha256": hashlib.sha256(made.source.read_bytes()).hexdigest()},
        "options": dict(options or {}),
        "columns": dict(made.log.columns),
        "rows": made.log.rows,
        "calls": len(made.log.calls),
        "days": [f"{day:%Y-%m-%d}" for day in made.log.dates],
        "skipped": dict(made.log.skipped),
        "notes": list(made.notes),
        "hours": dict(made.hours),
        "queues": {queue.name: _queue_report(queue) for queue in made.queues},
        "findings": [asdict(finding) for finding in made.findings],
    }


def _queue_report(queue: QueueDraft) -> dict[str, Any]:
    fitted = queue.fit

    def laws(fits: tuple[fit.LawFit, ...], curve: fit.SurvivalCurve | None) -> list[dict[str, Any]]:
        return [
            {
                "law": fit.law_document(f.law),
                "parameters": f.parameters,
                "log_likelihood": f.log_likelihood,
                "aic": f.aic,
                "gap": None if curve is None else f.gap(curve),
            }
            for f in fits
        ]

    talk = queue.log.calls["talk"].dropna()
    return {
        "kinds": list(queue.kinds),
        "offered": fitted.offered,
        "abandoned": fitted.abandoned,
        "day_cv": fitted.profile.factors.day_cv,
        "interval_cv": fitted.profile.factors.interval_cv,
        "interval_memory": fitted.profile.factors.interval_memory,
        "outside_hours": fitted.profile.outside,
        "days": dict(fitted.profile.days),
        "mean_talk": float(talk.mean()),
        "short_calls": fitted.hang_ups,
        "patience": laws(fitted.patience, fitted.waited),
        "talk": laws(fitted.talk, fit.kaplan_meier(talk, np.ones(len(talk), dtype=bool))),
    }


def seconds(text: str, option: str) -> float:
    """A duration given as an option.

    Raises:
        InputError: it is none.
    """
    try:
        return units.seconds(text)
    except UnitError as error:
        raise InputError([Problem(None, None, option, str(error), allowed="a duration such as '10 s'")]) from None
