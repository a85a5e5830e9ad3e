"""From a CRM export and a time log to a drafted scenario: what was learned, from how much, and what is a placeholder.

:func:`draft` reads and fits (:mod:`simulator.success.fit`), :func:`write` makes the folder: ``scenario.yaml``,
``fit.json``, ``summary.txt`` and figures.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.errors import InputError, Problem
from simulator.success import fit
from simulator.units import counted

if TYPE_CHECKING:
    from simulator.glossary import Language

WINDOW = 12.0
"""Months before the export from which churn and new accounts are counted."""
CUSTOMER_TIME, HEADCOUNT, CHURN = 0.7, 1, 0.01
"""Placeholders where the files tell nothing."""
RARE = 0.01
"""Coverage below which an activity is not drafted for a segment."""


@dataclass(frozen=True, eq=False)
class SuccessDraft:
    """Everything that goes into the folder.

    Attributes:
        sources: files read.
        segments, activities: what was fitted.
        log: the time log, None without one.
        placeholders: paths that no file could tell, and what to put there.
        document: the scenario as plain data.
    """

    sources: tuple[Path, ...]
    accounts: fit.Accounts
    log: fit.TimeLog | None
    segments: tuple[fit.SegmentFit, ...]
    activities: tuple[fit.ActivityFit, ...]
    placeholders: Mapping[str, str]
    document: Mapping[str, Any]

    def lines(self) -> Iterator[str]:
        """The summary for a terminal."""
        table = self.accounts.table
        yield f"{', '.join(p.name for p in self.sources)}: {len(table):,} accounts up to {self.accounts.as_of:%Y-%m-%d}"
        for one in self.segments:
            churn, new = one.churn_per_month, one.new_per_month
            lost = (
                f"churn {churn.value:.2%} a month (95 % interval {churn.low:.2%} to {churn.high:.2%}, "
                f"{counted(churn.events, 'cancellation')} in {churn.exposure:,.0f} account-months)"
            )
            yield (
                f"  {one.name}: {counted(one.opening, 'account')}, {new.value:.1f} new a month, "
                f"{lost if _tells_churn(self.accounts) else 'churn not known'}, "
                f"mean revenue {one.mrr_mean:,.0f} (cv {one.mrr_cv:.2f})"
            )
        if not _tells_churn(self.accounts):
            yield "  no column of cancellations: churn is not known (--account-column cancelled=NAME)"
        if lapsed := int(table["lapsed"].sum()):
            yield (
                f"  {lapsed:,} accounts without a cancellation whose term ended before {self.accounts.as_of:%Y-%m-%d} "
                "count as present: if they have left, name the column of their end with --account-column cancelled=NAME"
            )
        for activity in self.activities:
            rhythm = f"every {activity.every}" if activity.every else f"{activity.per_month.value:.2f} a month"
            yield f"  {activity.name}: {rhythm}"
            met = [step.name for step in activity.steps if step.kind == "meeting"]
            for step in activity.steps:
                kind = (
                    f"{step.kind}, drafted as desk work: one meeting an activity" if step.name in met[1:] else step.kind
                )
                yield (
                    f"    {step.name} ({kind}): {step.mean:.2f} h (95 % interval {step.low:.2f} to {step.high:.2f}"
                    f", {step.entries} entries{f', cv {step.cv:.2f}' if step.cv else ''})"
                )
            for segment, share in activity.cancellation.items():
                yield (
                    f"    cancelled, {segment}: {share.value:.0%} (95 % interval {share.low:.0%} to {share.high:.0%}, "
                    f"{share.events} of {share.exposure:.0f} meetings)"
                )
        yield "NOT in the files: placeholders to replace (listed under `placeholders` in scenario.yaml)"
        for path, note in self.placeholders.items():
            yield f"  {path}: {note}"


def draft(
    accounts: Path,
    log: Path | None = None,
    *,
    account_columns: Mapping[str, str] | None = None,
    log_columns: Mapping[str, str] | None = None,
    as_of: str | None = None,
    encoding: str = "utf-8-sig",
) -> SuccessDraft:
    """Read the files and draft a scenario of the success wing.

    Raises:
        InputError: every problem of the files at once.
    """
    problems: list[Problem] = []
    read = None
    try:
        read = fit.read_accounts(accounts, account_columns, as_of=as_of, encoding=encoding)
    except InputError as error:
        problems += error.problems
    times = None
    if log is not None:
        try:
            times = fit.read_time_log(log, log_columns, accounts=read, encoding=encoding)
        except InputError as error:
            problems += error.problems
    if problems or read is None:
        raise InputError(problems)
    segments = tuple(fit.fit_segment(read, str(name), WINDOW) for name in dict.fromkeys(read.table["segment"]))
    segments = tuple(one for one in segments if one.opening)
    held = times.table[times.table["held"]]["activity"].unique() if times is not None else ()
    activities = tuple(fit.fit_activity(times, str(name), read) for name in held) if times is not None else ()
    if not segments:
        problem = Problem(
            str(accounts), None, "", "no account is there on the day of the export", allowed="accounts not cancelled"
        )
        raise InputError([problem])
    document, placeholders = _document(read, segments, activities)
    sources = (accounts, log) if log is not None else (accounts,)
    return SuccessDraft(sources, read, times, segments, activities, placeholders, document)


def _tells_churn(accounts: fit.Accounts) -> bool:
    return "cancelled" in accounts.columns


def _churn(share: fit.Share) -> dict[str, Any]:
    """How sure the counts make one of a churn rate: mean and cv of the Gamma(events + 1/2, exposure) that Jeffreys'
    prior gives a Poisson rate. A triangle over the 95 % interval has a mean far above the count when little was seen.
    """
    shape = share.events + 0.5
    return {"mean": _percent(shape / share.exposure), "cv": round(shape**-0.5, 3)}


def _document(
    read: fit.Accounts, segments: Sequence[fit.SegmentFit], activities: Sequence[fit.ActivityFit]
) -> tuple[dict[str, Any], dict[str, str]]:
    start = f"{read.as_of.year + read.as_of.month // 12}-{read.as_of.month % 12 + 1:02d}"  # the month after the export
    placeholders: dict[str, str] = {}
    accounts: dict[str, Any] = {}
    for one in segments:
        if not _tells_churn(read):
            placeholders[f"accounts.{one.name}.churn_per_month"] = "the export has no column of cancellations"
        accounts[one.name] = {
            "opening": one.opening,
            "new_per_month": round(one.new_per_month.value, 3),
            "mrr": {"lognormal": {"mean": round(one.mrr_mean, 2), "cv": round(one.mrr_cv, 3)}}
            if one.mrr_cv
            else round(one.mrr_mean, 2),
            "churn_per_month": {"uncertain": {"lognormal": _churn(one.churn_per_month)}}
            if _tells_churn(read)
            else _percent(CHURN),
            "opening_age": _months(one.opening_age),
        }
        if not math.isnan(one.term) and one.term > 1:
            accounts[one.name]["term"] = _months(one.term)
        cancelled = [a.cancellation[one.name] for a in activities if one.name in a.cancellation]
        trials = sum(share.exposure for share in cancelled)
        if trials:
            share = sum(share.events for share in cancelled) / trials
            accounts[one.name]["meetings"] = {"cancellation": _percent(share)}
        else:
            placeholders[f"accounts.{one.name}.meetings.cancellation"] = "no meeting in the log; count a quarter's"
        placeholders[f"accounts.{one.name}.meetings.availability"] = "the files do not tell which slots suit customers"
    catalogue: dict[str, Any] = {}
    for activity in activities:
        covered = {
            name: _percent(share.value)
            for name, share in activity.coverage.items()
            if share.value >= RARE and name in accounts
        }
        if not covered:
            covered = dict.fromkeys(accounts, "100%")
            placeholders[f"success.activities.{activity.name}.segments"] = "the log names no accounts"
        entry: dict[str, Any] = {"segments": covered}
        if activity.every:
            entry |= {"every": activity.every, "spread": "contract"}
        else:
            entry |= {"trigger": "rate", "per_month": round(activity.per_month.value, 4), "within": "30 days"}
            placeholders[f"success.activities.{activity.name}.within"] = "a log does not tell when work was due"
        entry["steps"] = {step.name: {step.kind: _law(step)} for step in activity.steps}
        meetings = [name for name, step in entry["steps"].items() if "meeting" in step]
        for extra in meetings[1:]:  # one meeting an activity: what else was met for is desk time here
            entry["steps"][extra] = {"desk": entry["steps"][extra]["meeting"]}
        catalogue[activity.name] = entry
    if not catalogue:
        placeholders["success.activities.review"] = "no time log: give --activities, or your own catalogue"
        catalogue["review"] = {
            "segments": dict.fromkeys(accounts, "100%"),
            "every": "quarter",
            "steps": {"meet": {"meeting": "1 h"}},
        }
    placeholders["success.teams.csm.headcount"] = "the files do not tell who is there"
    placeholders["success.teams.csm.customer_time"] = "internal time is not in a log of customer work"
    document = {
        "name": f"Drafted from {read.as_of:%Y-%m-%d}",
        "currency": read.currency or "USD",
        "calendar": {"start": start, "months": 12},
        "accounts": accounts,
        "success": {
            "activities": catalogue,
            "teams": {
                "csm": {"segments": list(accounts), "headcount": HEADCOUNT, "customer_time": _percent(CUSTOMER_TIME)}
            },
        },
        "placeholders": placeholders,
    }
    if read.currency is None:
        del document["currency"]
    return document, placeholders


def _law(step: fit.StepFit) -> Any:
    mean = f"{max(round(step.mean * 60, 1), 1):g} min"
    return {"lognormal": {"mean": mean, "cv": round(step.cv, 3)}} if step.cv else mean


def _percent(share: float) -> str:
    return f"{round(100 * share, 3):g}%"


def _months(months: float) -> str:
    return f"{max(round(months), 1)} months" if round(months) > 1 else "1 month"


def write(made: SuccessDraft, folder: Path, lang: Language = "en") -> list[Path]:
    """Write the draft; the paths written. The scenario is read back first, so that what is written holds."""
    from simulator.reporting.plots import render
    from simulator.reporting.plots_fit_success import figures
    from simulator.results import to_json, write_atomically
    from simulator.scenario.loading import dump, read

    text = dump(dict(made.document))
    read(text)
    numbers = {
        "as_of": f"{made.accounts.as_of:%Y-%m-%d}",
        "segments": [dataclasses.asdict(one) for one in made.segments],
        "activities": [dataclasses.asdict(one) for one in made.activities],
        "columns": {"accounts": dict(made.accounts.columns), "log": dict(made.log.columns) if made.log else {}},
    }
    files = {
        "scenario.yaml": text.encode(),
        "fit.json": to_json(numbers),
        "summary.txt": ("\n".join(made.lines()) + "\n").encode(),
    }
    for name, figure in figures(made, lang).items():
        files[f"figures/{name}.svg"] = render(figure, "svg", lang, salt=name)
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [folder / name for name in files]
