"""From a ticket log to a drafted scenario: what was learned, by which criterion, and what stands as a placeholder.

:func:`draft` reads and fits (the logic is in :mod:`simulator.support.tickets`), :func:`write` makes the folder:
``scenario.yaml`` with its profile under ``data/``, ``fit.json``, ``summary.txt`` and figures. A log of events tells
when tickets come, who they pass through and how long they stay open. It does not tell the work in them, so that handle
times and headcount are always placeholders; where not even a week of openings is recorded there is only the report.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator import timegrid
from simulator.errors import InputError, ParameterError, Problem, nearest
from simulator.studies import fit as calls
from simulator.studies.fit import Finding
from simulator.support import fit, tickets
from simulator.units import counted

if TYPE_CHECKING:
    import pandas as pd

    from simulator.glossary import Language

HANDLE, SECOND_HANDLE = 15, 30
"""Minutes of work that stand in for handle times of the first and second line."""
FEWEST_ENDED = 30
"""Stays or tickets that ended, below which no law is fitted."""
FEWEST_DAYS = 7
"""Days of openings below which there is no week to draft, and only the report."""
POOR = 0.05
"""Distance between a law and the recorded curve above which no law is said to fit well."""
SELECTED = 0.9
"""Share of the tickets on fully recorded days below which the log seems drawn by closing date."""
SERVICE_LEVEL, WITHIN = "90%", "4 h"
QUEUE, SECOND = "tickets", "second_line"
TIMES = {
    "resolution": "opening to first resolution",
    "take_up": "opening to the first event in work",
    "queued": "stay in a queue",
    "working": "stay in work",
    "waiting": "stay waiting for somebody else",
    "escalated": "stay escalated",
    "resolved": "resolved until closed or re-opened",
}
"""Elapsed times by name."""


@dataclass(frozen=True, eq=False)
class TicketDraft:
    """Everything that goes into the folder.

    Attributes:
        history: one row per ticket (:func:`tickets.histories`).
        shares: re-assignments and re-openings by :data:`tickets.MOVES`, those the log can tell.
        times: elapsed times by :data:`TIMES`, those the log can tell.
        days: days on which openings seem fully recorded.
        by_hour: mean tickets opened by weekday and hour, (7, 24), NaN where no such day was recorded.
        hours: working hours.
        profile: arrivals of the draft, None where there is only the report.
        document: the scenario as plain data, None where there is only the report.
    """

    source: Path
    log: tickets.TicketLog
    history: pd.DataFrame
    shares: Mapping[str, tickets.Share]
    times: Mapping[str, tickets.Elapsed]
    days: pd.DatetimeIndex
    by_hour: NDArray[np.float64]
    hours: Mapping[str, str]
    profile: fit.ArrivalProfile | None
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    document: Mapping[str, Any] | None

    def lines(self, width: int = 100, lang: Language = "en") -> Iterator[str]:
        """The summary for a terminal; headings in the language asked for, the grounds in English."""
        history = self.history
        yield (
            f"{self.source.name}: {self.log.rows:,} events, {len(history):,} tickets opened "
            f"{history['opened'].min():%Y-%m-%d} to {history['opened'].max():%Y-%m-%d}, "
            f"{int((~history['ended']).sum()):,} not resolved when the log ends"
        )
        found = self.findings
        yield from calls.told(lambda standing: [f for f in found if f.standing == standing], self.notes, width, lang)


def draft(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    states: Mapping[str, Collection[str]] | None = None,
    ignore: Collection[str] = (),
    nobody: Collection[str] = (),
    skip: Collection[str] = (),
    hours: Mapping[str, str] | None = None,
    pools: Sequence[str] = (),
    first: str | None = None,
    last: str | None = None,
    date_format: str | None = None,
    timezone: str | None = None,
    holidays: str | None = None,
    encoding: str = "utf-8-sig",
) -> TicketDraft:
    """Read a ticket log, fit it and draft a scenario from it.

    Args:
        columns, states, ignore, nobody, skip, date_format, timezone, encoding: as :func:`tickets.read_tickets` takes
            them.
        hours: working hours; None: inferred from the persons' events by :func:`fit.opening_hours`.
        pools: weekdays that share a profile; none: every weekday has its own.
        first, last: opening days of the tickets used. None: all tickets, and for the arrivals the days on which
            openings seem fully recorded (:func:`tickets.steady_days`).
        holidays: country whose public holidays the scenario closes; the fit keeps what came on them.

    Raises:
        InputError: every problem of the file or the options found in one reading.
    """
    path = Path(path)
    _check(columns, states, skip, hours, pools, first, last, timezone, holidays)
    log = tickets.read_tickets(
        path, columns, states=states, ignore=ignore, nobody=nobody, skip=skip,
        date_format=date_format, timezone=timezone, encoding=encoding,
    )  # fmt: skip
    notes = [*log.notes, *calls.left_out(log, tickets.ROW_FAULTS, "event")]
    history = tickets.histories(log)
    day = history["opened"].dt.strftime("%Y-%m-%d")
    used = ((day >= first) if first else True) & ((day <= last) if last else (day == day))
    if not used.any():
        used = f"{first or 'the first day'} to {last or 'the last'}"
        raise InputError([Problem(str(path), None, "", "no ticket was opened on the days used", used)])
    if not used.all():
        notes.append(f"{int((~used).sum()):,} tickets opened on days that you left out")
        history = history[used]
    if not history["ended"].any():
        raise InputError(
            [Problem(str(path), None, "status", "no ticket is ever resolved or closed: nothing to fit",
                     allowed="--status resolved=WORD names the status that ends a ticket")]
        )  # fmt: skip
    stays = tickets.spells(log)
    stays = stays[stays["ticket"].isin(history.index)]
    days = _days(history["opened"], first, last)
    inside = history["opened"].dt.normalize().isin(days)
    events = log.events[log.events["ticket"].isin(history.index)]
    open_hours: Mapping[str, str] = dict(hours or {})
    profile, carried = None, 0
    try:
        if not open_hours:
            # a robot works at night: events of nobody tell no working hours, where persons are recorded
            by_person = events[events["person"].notna()] if events["person"].notna().any() else events
            open_hours = fit.opening_hours(tickets.as_calls(by_person["moment"], days), calls.INTERVAL)
        if len(days) >= FEWEST_DAYS:
            came, carried = tickets.carried_to_opening(tickets.as_calls(history["opened"], days), open_hours)
            profile = fit.arrival_profile(came, hours=open_hours, pools=pools or timegrid.WEEKDAYS)
    except ParameterError as error:
        allowed = "--hours mon-fri=09:00-18:00"
        raise InputError([Problem(str(path), None, "--hours", str(error), allowed=allowed)]) from None
    times = _times(history, stays, log.resolution)
    found: list[Finding] = []
    placeholders: dict[str, str] = {}
    share = tickets.shares(history)
    _arrivals(found, history, days, int(inside.sum()), profile, carried, open_hours, not hours, bool(first or last))
    _moves(found, share, log, history)
    _elapsed(found, times, history, log)
    _unknown(found, log)
    document = None
    if profile is not None:
        document = _document(
            path, log, share, profile, days, open_hours, timezone, holidays, found, placeholders,
            int(inside.sum()), len(history), bool(first or last),
        )  # fmt: skip
    else:
        notes.append(
            f"no scenario: openings are recorded on {len(days)} days only, and a week needs {FEWEST_DAYS}; this is the "
            "report alone"
        )
    return TicketDraft(
        path, log, history, share, times, days, tickets.by_hour(history["opened"], days), open_hours, profile,
        calls._by_subject(found), tuple(notes), document,
    )  # fmt: skip


def _check(
    columns: Mapping[str, str] | None,
    states: Mapping[str, Collection[str]] | None,
    skip: Collection[str],
    hours: Mapping[str, str] | None,
    pools: Sequence[str],
    first: str | None,
    last: str | None,
    timezone: str | None,
    holidays: str | None,
) -> None:
    """Options that name nothing, all at once."""
    named = (("--skip", skip, tickets.ROW_FAULTS), ("--column", columns or {}, tickets.COLUMNS),
             ("--status", states or {}, tickets.STATES))  # fmt: skip
    problems = [
        Problem(None, None, option, "unknown name", found=name, allowed=", ".join(known),
                nearest=nearest(name, list(known)))
        for option, names, known in named for name in names if name not in known
    ]  # fmt: skip
    try:
        calls._check(hours, pools, (), first, last, timezone, holidays, (), None)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)


def _days(opened: pd.Series, first: str | None, last: str | None) -> pd.DatetimeIndex:
    """Days of the arrivals: those asked for, as far as tickets go, else those fully recorded."""
    import pandas as pd

    if not (first or last):
        return tickets.steady_days(opened)
    return pd.date_range(first or opened.min().normalize(), last or opened.max().normalize())


def _times(history: pd.DataFrame, stays: pd.DataFrame, resolution: float) -> dict[str, tickets.Elapsed]:
    samples = {"resolution": (history["seconds"], history["ended"])}
    idle = history[history["starts_idle"]]
    if len(idle):
        taken = idle["take_up"].notna()
        # resolved without ever being in work: taken up at the latest then, which the log does not tell apart
        samples["take_up"] = (idle["take_up"].fillna(idle["seconds"]), taken)
    for state, stay in stays.groupby("state"):
        if str(state) in TIMES:
            samples[str(state)] = (stay["seconds"], stay["ended"])
    found = {
        name: tickets.elapsed(*(s.to_numpy() for s in samples[name]), resolution=resolution, fewest=FEWEST_ENDED)
        for name in TIMES if name in samples
    }  # fmt: skip
    return {name: one for name, one in found.items() if one is not None}


# --- what is said ----------------------------------------------------------------------------------------------------


def _time(seconds: float) -> str:
    """Elapsed time in the largest unit of which there is at least one."""
    if math.isnan(seconds):
        return "not reached"
    size, unit = next(((s, u) for s, u in ((86400, "days"), (3600, "h"), (60, "min")) if seconds >= s), (1, "s"))
    return f"{seconds / size:.3g} {unit}"


def _law(best: fit.LawFit) -> str:
    """A law with its times in readable units: elapsed times run from seconds to months."""
    text = calls._law_text(fit.law_document(best.law))
    return re.sub(r"'?(\d[\d.e+]*) s\b'?", lambda found: _time(float(found[1])), text)


def _arrivals(
    found: list[Finding],
    history: pd.DataFrame,
    days: pd.DatetimeIndex,
    inside: int,
    profile: fit.ArrivalProfile | None,
    carried: int,
    hours: Mapping[str, str],
    inferred: bool,
    asked: bool,
) -> None:
    rule = (
        "inferred from the persons' events on all tickets: half hours with one on a quarter of the weekday's days"
        if inferred
        else "as given"
    )
    span = "; ".join(f"{day} {text}" for day, text in hours.items())
    found.append(Finding("arrivals", "working hours", span, f"{rule}; a robot counts until --nobody names it"))
    part = inside / len(history)
    window = f"{inside:,} tickets opened on {counted(len(days), 'day')}, {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}"
    ground = f"{part:.0%} of all; " + (
        "the days you asked for" if asked else "weeks with less than a quarter of the typical week's openings are "
        "dropped at both ends"
    )  # fmt: skip
    if part < SELECTED and not asked:
        ground += (
            ". So many tickets outside suggest that the log was drawn by closing date: long ones are "
            "over-represented, and neither the shares nor the laws below can undo that"
        )
    found.append(Finding("arrivals", "days recorded", window, ground))
    if profile is None:
        return
    week = {day: sum(row.values()) for day, row in profile.table.items()}
    busiest = max(week, key=lambda day: week[day])
    found.append(
        Finding(
            "arrivals",
            "tickets",
            f"{sum(week.values()):,.1f} a week, most on {busiest} ({week[busiest]:,.1f})",
            f"mean by weekday and half hour; {carried:,} opened while closed count at the next opening",
        )
    )
    if not math.isnan(profile.factors.day_cv):
        factors = profile.factors
        ground = "method of moments within weekday and month, Poisson noise taken off"
        found.append(
            Finding(
                "arrivals",
                "day and interval factor",
                f"cv {factors.day_cv:.3f}; cv {factors.interval_cv:.3f}, memory {factors.interval_memory:.0%}",
                f"{ground}; whole days vary by cv {factors.total_cv:.3f}",
            )
        )


def _moves(
    found: list[Finding], share: Mapping[str, tickets.Share], log: tickets.TicketLog, history: pd.DataFrame
) -> None:
    still = int((~history["ended"]).sum())
    for name, one in share.items():
        times = ", ".join(f"{k if k < 4 else '4 or more'}: {n:,}" for k, n in enumerate(one.times))
        ground = f"95 % interval {one.low:.1%} to {one.high:.1%}"
        if name != "pushed_up":
            ground += f"; {one.mean:.2f} times per ticket; tickets by times: {times}"
        if name == "person_changes":
            ground += "; who only registers or closes a ticket is not counted"
        if name == "handed_back":
            ground += "; the log does not tell whether to the same team or another one"
        found.append(
            Finding(
                "re-assignment", tickets.MOVES[name], f"{one.value:.1%} of {one.tickets:,} resolved tickets", ground
            )
        )
    if still:
        found.append(
            Finding("re-assignment", "open tickets", f"{still:,} left out", "their history is not over", "open")
        )
    missing = {
        "person_changes": ("person" in log.columns, "no column of persons"),
        "line_changes": ("line_changes" in share, "no column of teams"),
        "pushed_up": ("pushed_up" in share, "no team's name tells its line (2nd, tier 3, 二次)"),
        "handed_back": ("handed_back" in share, "no status means queued"),
    }
    for name, (known, why) in missing.items():
        if not known:
            found.append(Finding("re-assignment", tickets.MOVES[name], "not learned", why, "open"))


def _elapsed(
    found: list[Finding], times: Mapping[str, tickets.Elapsed], history: pd.DataFrame, log: tickets.TicketLog
) -> None:
    for name, one in times.items():
        number, over = len(one.ended), int(one.ended.sum())
        value = f"median {_time(one.quantile(0.5))}, 90 % within {_time(one.quantile(0.9))}"
        censored = f"{number - over:,} of {number:,} not seen to end: censored, Kaplan-Meier" if over < number else (
            f"all {number:,} seen to end"
        )  # fmt: skip
        ground = censored
        if one.laws:
            best = one.laws[0]
            gap = best.gap(one.curve)
            value += f"; {_law(best)}"
            ground += (
                f"; lowest AIC of {len(one.laws)} laws ({calls._ranking(one.laws)}), maximum likelihood; largest "
                f"distance to the curve {gap:.3f} where 30 were still there"
            )
            if gap > POOR:
                ground += ": no law fits well, use the quantiles in fit.json"
        else:
            ground += f"; {over} ended, a law needs {FEWEST_ENDED}"
        found.append(Finding("elapsed time (clock, nights and weekends in it)", TIMES[name], value, ground))
    if "take_up" not in times:
        found.append(
            Finding("elapsed time", TIMES["take_up"], "not learned", "no ticket begins registered or queued", "open")
        )
    elif (part := float(history["starts_idle"].mean())) < 0.5:
        found.append(
            Finding("elapsed time", "what came before the first event", "not learned",
                    f"{1 - part:.0%} of the tickets begin in work: their wait before that is not in the log", "open")
        )  # fmt: skip


def _unknown(found: list[Finding], log: tickets.TicketLog) -> None:
    found.append(
        Finding("work", "effort", "not learned", "events tell how long a ticket was held, not how long worked", "open")
    )
    found.append(
        Finding("work", "first response", "not learned",
                "no event says that the customer was answered; being taken up is not an answer", "open")
    )  # fmt: skip
    found.append(
        Finding("work", "patience", "none in the draft: a ticket waits until it is answered",
                "a log of tickets shows nobody who gave up", "open")
    )  # fmt: skip
    found.append(
        Finding("work", "re-opened tickets", "not added to the arrivals",
                "they come back to the queue as work; add their share to the tickets if it is not small", "open")
    )  # fmt: skip


# --- the document ----------------------------------------------------------------------------------------------------


def _escalation(share: Mapping[str, tickets.Share]) -> tuple[float, str, bool] | None:
    """The share that goes on to the second line, on what ground, and whether the log says so itself."""
    for name, ground in (
        ("pushed_up", "share of resolved tickets that a higher line held"),
        ("escalated", "share of resolved tickets with a status that says escalated"),
        ("line_changes", "share of resolved tickets that another team held"),
    ):
        if name in share:
            return share[name].value, ground, True
    if "handed_back" in share:
        ground = (
            "an upper bound: share of resolved tickets handed back to a queue, and the log does not tell whose queue; "
            "count those that went to another line"
        )
        return share["handed_back"].value, ground, False
    return None


def _document(
    path: Path,
    log: tickets.TicketLog,
    share: Mapping[str, tickets.Share],
    profile: fit.ArrivalProfile,
    days: pd.DatetimeIndex,
    hours: Mapping[str, str],
    timezone: str | None,
    holidays: str | None,
    found: list[Finding],
    placeholders: dict[str, str],
    opened: int,
    tickets_read: int,
    asked: bool,
) -> dict[str, Any]:
    def open_point(where: str, subject: str, quantity: str, value: str, ground: str) -> None:
        placeholders[where] = ground
        found.append(Finding(subject, quantity, value, ground, "placeholder"))

    at = f"support.queues.{QUEUE}"
    arrivals: dict[str, Any] = {"table": f"data/{QUEUE}_profile.csv", "table_interval": "30 min"}
    factors = profile.factors
    if math.isnan(factors.day_cv):
        arrivals["day_cv"] = 0.1
        ground = "no two days of one weekday in one month: the spread of days cannot be seen"
        open_point(f"{at}.arrivals.day_cv", QUEUE, "day factor", "0.1", ground)
    else:
        if factors.day_cv > 0:
            arrivals["day_cv"] = fit._digits(factors.day_cv)
        if factors.interval_cv > 0:
            arrivals["interval_cv"] = fit._digits(factors.interval_cv)
            if factors.interval_memory > 0:
                arrivals["interval_memory"] = f"{100 * factors.interval_memory:.0f}%"
    arrivals["growth_per_year"] = 0
    ground = f"{len(days) / 7:.0f} weeks of records do not tell growth from season"
    open_point(f"{at}.arrivals.growth_per_year", QUEUE, "growth and season", "none", ground)
    short = [day for day, number in profile.days.items() if number < calls.FEWEST_DAYS]
    part = opened / tickets_read
    if part < SELECTED and not asked:
        ground = (
            f"only {part:.0%} of the tickets were opened on the {len(days)} days that seem fully recorded: perhaps an "
            "artefact of how the log was drawn; take openings from your ticket system"
        )
        open_point(f"{at}.arrivals.table", QUEUE, "tickets by weekday and half hour", "as recorded", ground)
    elif short:
        ground = f"fewer than {calls.FEWEST_DAYS} recorded days: a mean of little; pool days with --pool"
        open_point(f"{at}.arrivals.table", QUEUE, f"arrivals on {', '.join(short)}", "as recorded", ground)
    targets = {"service_level": f"{SERVICE_LEVEL} in {WITHIN}", "window": "month", "confidence": "80%"}
    queues: dict[str, Any] = {
        QUEUE: {
            "channel": "email",
            "hours": dict(hours),
            "arrivals": arrivals,
            "talk": {"exponential": {"mean": f"{HANDLE} min"}},
            "targets": dict(targets),
        }
    }
    ground = "elapsed time is not effort: time a few weeks of tickets"
    open_point(f"{at}.talk", QUEUE, "handle time", f"{HANDLE} min, exponential", ground)
    wish = "a wish, not a fact of the log: put what you promise"
    open_point(f"{at}.targets", QUEUE, "targets", targets["service_level"], wish)
    lines = {QUEUE: ("first_line", sum(sum(row.values()) for row in profile.table.values()), HANDLE)}
    passed = _escalation(share)
    if passed is None:
        found.append(
            Finding(QUEUE, "escalation", "no second line in the draft",
                    "the log has neither teams, nor a queue to hand back to, nor a status that says escalated", "open")
        )  # fmt: skip
    else:
        probability, ground, told = passed
        queues[QUEUE]["escalation"] = {"to": SECOND, "probability": f"{100 * probability:.3g}%"}
        if told:
            found.append(Finding("re-assignment", "escalation in the draft", f"{probability:.1%}", ground))
        else:
            where = f"{at}.escalation.probability"
            open_point(where, QUEUE, "escalation to a second line", f"{probability:.1%}", ground)
        queues[SECOND] = {
            "channel": "email",
            "hours": dict(hours),
            "talk": {"exponential": {"mean": f"{SECOND_HANDLE} min"}},
            "targets": dict(targets),
        }
        ground = "elapsed time is not effort: time a few weeks of escalated tickets"
        where = f"support.queues.{SECOND}"
        open_point(f"{where}.talk", SECOND, "handle time", f"{SECOND_HANDLE} min, exponential", ground)
        open_point(f"{where}.targets", SECOND, "targets", targets["service_level"], wish)
        lines[SECOND] = ("second_line", lines[QUEUE][1] * probability, SECOND_HANDLE)
    groups: dict[str, Any] = {}
    for queue, (group, week, minutes) in lines.items():
        agent_hours = week * minutes / 60
        # 85 % busy: with all hours filled a backlog would never be worked off
        heads = max(1, math.ceil(agent_hours / 0.85 / calls.HOURS_PER_WEEK / (1 - calls.SHRINKAGE) - 1e-9))
        groups[group] = {
            "headcount": heads,
            "hours_per_week": int(calls.HOURS_PER_WEEK),
            "shrinkage": f"{calls.SHRINKAGE:.0%}",
            "serves": [queue],
            "salary_per_year": 0,
        }
        where = f"support.groups.{group}"
        ground = (
            f"{week:,.1f} tickets a week of {minutes} min (a placeholder) at 85 % busy, {calls.HOURS_PER_WEEK:g} h a "
            f"week and {calls.SHRINKAGE:.0%} shrinkage: put your roster"
        )
        open_point(f"{where}.headcount", group, "headcount", counted(heads, "head"), ground)
        ground = "breaks, training, leave are in no ticket log"
        open_point(f"{where}.shrinkage", group, "shrinkage", f"{calls.SHRINKAGE:.0%}", ground)
        ground = "no ticket log holds pay: costs are 0 until you put it"
        open_point(f"{where}.salary_per_year", group, "pay", "0", ground)
    if timezone is None:
        ground = "the log tells none; give --timezone NAME"
        open_point("calendar.timezone", "calendar", "time zone", "UTC", ground)
    after = timegrid.add_months(log.end.date().replace(day=1), 1)
    calendar: dict[str, Any] = {"start": f"{after:%Y-%m}", "months": 12, "timezone": timezone or "UTC"}
    if holidays is not None:
        calendar["holidays"] = holidays
    return {
        "name": f"Drafted from {path.name}",
        "calendar": {**calendar, "interval": "30 min"},
        "monte_carlo": {"replications": 100, "seed": 1},
        "support": {"queues": queues, "groups": groups},
        "placeholders": placeholders,
    }


# --- the folder ------------------------------------------------------------------------------------------------------


def write(made: TicketDraft, folder: Path, options: Mapping[str, Any] | None = None, lang: Language = "en") -> None:
    """Write the folder of a draft with its figures in one language, and read its scenario back.

    Raises:
        InputError: the drafted scenario does not hold (a fault of this module).
    """
    from simulator.reporting.plots import render
    from simulator.reporting.plots_fit_tickets import figures
    from simulator.results import to_json, write_atomically
    from simulator.scenario.loading import dump, read

    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "fit.json", to_json(report(made, options)))
    write_atomically(folder / "summary.txt", ("\n".join(made.lines()) + "\n").encode())
    for name, figure in figures(made, lang).items():
        write_atomically(folder / "figures" / f"{name}.png", render(figure, "png", lang))
    if made.document is None or made.profile is None:
        return
    (folder / "data").mkdir(exist_ok=True)
    made.profile.write(folder / "data" / f"{QUEUE}_profile.csv")
    head = [
        f"Drafted from the ticket log {made.source.name}: {len(made.history):,} tickets, arrivals of",
        f"{made.days[0]:%Y-%m-%d} to {made.days[-1]:%Y-%m-%d}. summary.txt says what each number rests on.",
        "What stands under `placeholders` is NOT from the log: replace it, then delete its line there.",
    ]
    text = "".join(f"# {line}\n" for line in head) + "\n" + dump(dict(made.document))
    write_atomically(folder / "scenario.yaml", text.encode())
    read(folder / "scenario.yaml")


def report(made: TicketDraft, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything fitted, as plain data: every candidate law, every finding, the file's fingerprint."""
    return {
        "source": {"file": made.source.name, "sha256": hashlib.sha256(made.source.read_bytes()).hexdigest()},
        "options": dict(options or {}),
        "columns": dict(made.log.columns),
        "rows": made.log.rows,
        "tickets": len(made.history),
        "open_tickets": int((~made.history["ended"]).sum()),
        "skipped": dict(made.log.skipped),
        "notes": list(made.notes),
        "days": [f"{made.days[0]:%Y-%m-%d}", f"{made.days[-1]:%Y-%m-%d}"],
        "hours": dict(made.hours),
        "tickets_by_weekday_and_hour": {
            day: [None if math.isnan(mean) else float(f"{mean:.4g}") for mean in row]
            for day, row in zip(timegrid.WEEKDAYS, made.by_hour, strict=True)
        },
        "shares": {name: asdict(one) for name, one in made.shares.items()},
        "elapsed_seconds": {name: _elapsed_report(one) for name, one in made.times.items()},
        "scenario": made.document is not None,
        "findings": [asdict(finding) for finding in made.findings],
    }


def _elapsed_report(one: tickets.Elapsed) -> dict[str, Any]:
    grid = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
    quantiles = {f"{share:g}": one.quantile(share) for share in grid}
    return {
        "count": len(one.ended),
        "ended": int(one.ended.sum()),
        "quantiles": {share: None if math.isnan(value) else value for share, value in quantiles.items()},
        "laws": [
            {
                "law": fit.law_document(candidate.law),
                "parameters": candidate.parameters,
                "log_likelihood": candidate.log_likelihood,
                "aic": candidate.aic,
                "gap": candidate.gap(one.curve),
            }
            for candidate in one.laws
        ],
    }
