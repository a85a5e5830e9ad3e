"""From a CRM export and a calendar or time log to the numbers of a scenario: accounts, effort hours, cancellations.

:func:`read_accounts` and :func:`read_time_log` check a file and put it in one form, every problem of it in one list;
:func:`fit_segment` and :func:`fit_activity` each answer for one segment and one activity. Rates come with the interval
that their counts give, so that a draft can say how little a small export teaches.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError, ParameterError, Problem, nearest, unreadable
from simulator.units import counted

if TYPE_CHECKING:
    import pandas as pd

ACCOUNT_COLUMNS: dict[str, tuple[str, ...]] = {
    "account": ("account", "account_id", "id", "customer_id", "顧客id", "顧客"),
    "segment": ("segment", "tier", "plan", "セグメント"),
    "start": ("start", "start_date", "contract_start", "契約開始日"),
    "end": ("term_end", "end", "end_date", "contract_end", "契約終了日"),
    "cancelled": ("cancelled", "cancelled_on", "churned", "churn_date", "cancellation_date", "解約日"),
    "term": ("term", "term_months", "契約期間"),
    "mrr": ("mrr", "monthly_recurring_revenue", "月額"),
    "currency": ("currency", "currency_code", "通貨"),
}
"""What a CRM export tells, and the column names it is found under. Account, start and mrr are required. ``end`` is the
end of the present term, ``term`` its length in months; ``cancelled`` is empty for accounts that are there."""

LOG_COLUMNS: dict[str, tuple[str, ...]] = {
    "activity": ("activity", "type", "task", "subject", "活動"),
    "step": ("step", "part", "工程"),
    "kind": ("kind", "種類"),
    "account": ("account", "account_id", "customer_id", "顧客id", "顧客"),
    "start": ("start", "start_time", "date", "day", "開始"),
    "end": ("end", "end_time", "終了"),
    "hours": ("hours", "duration_h", "時間"),
    "minutes": ("minutes", "duration_min", "duration", "分"),
    "status": ("status", "outcome", "状態"),
}
"""What a calendar or time log tells. Activity, start and one of end, hours and minutes are required."""

KINDS = ("desk", "meeting", "interrupt")
HELD = ("held", "done", "completed", "attended", "実施")
CANCELLED = ("cancelled", "canceled", "no-show", "no show", "declined", "postponed", "取消", "キャンセル")
"""What a status says of an entry; a calendar says it of meetings. Entries without a status were done."""

MONTH_DAYS = 365.25 / 12
LONGEST_HOURS = 24.0
FEWEST = 20
"""Entries of a step below which its spread is not told: its mean stands as a constant."""
Z95 = 1.959963984540054

CADENCES = {"week": 7.0, "2 weeks": 14.0, "month": MONTH_DAYS, "2 months": 2 * MONTH_DAYS, "quarter": 3 * MONTH_DAYS,
            "half-year": 6 * MONTH_DAYS, "year": 12 * MONTH_DAYS}  # fmt: skip
NEAR = 0.25
"""How far the middle gap between two entries of an account may lie from a cadence, and half of the gaps from it."""


@dataclass(frozen=True, eq=False)
class Accounts:
    """A CRM export in one form.

    Attributes:
        table: account (text), segment (text), start and cancelled (days, NaT while there), term (months, NaN unknown),
            lapsed (the term ended before the export and nothing says that they left), mrr, line of the file.
        currency: the one currency, None without a column.
        as_of: the day of the export.
        columns: the file's name of each meaning.
    """

    table: pd.DataFrame
    currency: str | None
    as_of: pd.Timestamp
    columns: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class TimeLog:
    """A calendar or time log in one form: activity, step, kind, account (or NA), start, hours, held, line."""

    table: pd.DataFrame
    columns: Mapping[str, str]


# --- reading ---------------------------------------------------------------------------------------------------------


def read_accounts(
    path: str | Path, columns: Mapping[str, str] | None = None, *, as_of: str | None = None, encoding: str = "utf-8-sig"
) -> Accounts:
    """Read a CRM export (CSV with commas, semicolons or tabs, one row per account).

    Args:
        columns: names of the file's columns by meaning, where :data:`ACCOUNT_COLUMNS` does not find them.
        as_of: day of the export; default the latest day in it.

    Raises:
        InputError: every problem of the file at once: columns, texts that are no day or amount, duplicate ids, several
            currencies, negative revenue, terms and cancellations before their start, starts after the export.
    """
    import pandas as pd

    file = str(path)
    table = _table(file, encoding)
    place = _places(table, columns or {}, ACCOUNT_COLUMNS, ("account", "start", "mrr"), file, "--account-column")
    text = _texts(table, place)
    problems: list[Problem] = []
    start, end, cancelled = (_days(text(name)) for name in ("start", "end", "cancelled"))
    mrr, term = _amounts(text("mrr")), _amounts(text("term").str.replace(r"\s*(months?|か月|ヶ月)$", "", regex=True))
    known_days = pd.concat([start, cancelled]).dropna()
    today = _days(pd.Series([as_of]))[0] if as_of else (known_days.max() if len(known_days) else pd.NaT)
    if as_of and pd.isna(today):
        problems.append(Problem("--as-of", None, "", "this is no day", as_of, "a day such as 2027-03-31"))
    account, currency = text("account"), text("currency").str.upper()
    faults = [
        ("account", account.isna(), "without an account", "an id in every row"),
        ("account", account.duplicated(keep=False) & account.notna(), "with an account id that stands twice", "once"),
        ("start", start.isna(), "with a start that is no day", "a day such as 2027-03-31"),
        ("end", text("end").notna() & end.isna(), "with an end that is no day", "a day such as 2027-03-31"),
        ("cancelled", text("cancelled").notna() & cancelled.isna(), "with a cancellation that is no day", "a day"),
        ("mrr", mrr.isna(), "with a revenue that is no number", "a number such as 1200.50"),
        ("mrr", mrr < 0, "with negative revenue", "0 or more"),
        ("term", text("term").notna() & ~(term > 0), "with a term that is no number of months", "1 or more"),
        ("end", end < start, "with a term that ends before it starts", "an end after the start"),
        ("cancelled", cancelled < start, "cancelled before they start", "a cancellation after the start"),
        ("start", start > today, "that start after the export", f"a start up to {_written(today)}, or a later --as-of"),
    ]  # fmt: skip
    problems += [
        _fault(file, place.get(name, name), rows, what, allowed, table)
        for name, rows, what, allowed in faults
        if rows.any()
    ]
    found = sorted(currency.dropna().unique())
    if len(found) > 1:
        counts = ", ".join(f"{one} in {counted(int((currency == one).sum()), 'row')}" for one in found)
        first = currency[currency != currency.mode()[0]].dropna().index[0] + 2
        problems.append(Problem(file, int(first), place["currency"], "several currencies", counts, "one currency"))
    sign = text("mrr").str.extract(f"([{_SIGNS}])")[0]
    signs = sign.fillna(currency.map(_SIGN_OF)).dropna()
    if sign.notna().any() and len(found) < 2 and signs.nunique() > 1:
        counts = ", ".join(f"{one} in {counted(number, 'row')}" for one, number in sorted(signs.value_counts().items()))
        first = signs[signs != signs.mode()[0]].index[0] + 2
        problems.append(Problem(file, int(first), place["mrr"], "several currencies", counts, "one currency"))
    if problems:
        raise InputError(problems)
    length = term.where(term.notna(), ((end - start).dt.days / MONTH_DAYS).round())
    clean = pd.DataFrame(
        {
            "account": account,
            "segment": text("segment").fillna("accounts").map(_name),
            "start": start,
            "cancelled": cancelled.where(cancelled <= today),
            "term": length,
            "lapsed": (end < today) & cancelled.isna(),
            "mrr": mrr,
            "line": table.index + 2,
        }
    )
    assert isinstance(today, pd.Timestamp)  # every row has a start by now
    return Accounts(clean.reset_index(drop=True), found[0] if found else None, today, place)


def read_time_log(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    accounts: Accounts | None = None,
    encoding: str = "utf-8-sig",
) -> TimeLog:
    """Read an exported calendar or time log (CSV, one row per entry).

    Args:
        columns: names of the file's columns by meaning, where :data:`LOG_COLUMNS` does not find them.
        accounts: the CRM export; accounts that it does not know are a problem.

    Raises:
        InputError: every problem of the file at once: columns, texts that are no time or duration, entries that end
            before they start or last over a day, kinds and statuses of no known meaning, unknown accounts.
    """
    import pandas as pd

    file = str(path)
    table = _table(file, encoding)
    place = _places(table, columns or {}, LOG_COLUMNS, ("activity", "start"), file, "--log-column")
    text = _texts(table, place)
    problems: list[Problem] = []
    if not {"end", "hours", "minutes"} & set(place):
        allowed = "a column with the end, hours or minutes, or one named with --log-column"
        problems.append(Problem(file, 1, "", "no column says how long entries last", ", ".join(table.columns), allowed))
    start, end = _days(text("start")), _days(text("end"))
    hours = _amounts(text("hours"))
    hours = hours.where(hours.notna(), _amounts(text("minutes")) / 60)
    hours = hours.where(hours.notna(), (end - start).dt.total_seconds() / 3600)
    status, kind = text("status").str.lower(), text("kind").str.lower()
    held = status.isna() | status.isin(HELD)
    called_off = status.isin(CANCELLED)
    strange = text("account").notna() & ~text("account").isin(accounts.table["account"]) if accounts else held & False
    faults = [
        ("activity", text("activity").isna(), "without an activity", "a name in every row"),
        ("start", start.isna(), "with a start that is no time", "a time such as 2027-03-31 09:30"),
        ("end", held & (end < start), "that end before they start", "an end after the start"),
        ("hours", held & hours.isna() & (not problems), "without a duration", "an end, hours or minutes"),
        ("hours", held & (hours <= 0) & ~(end < start), "that last no time", "over 0"),
        ("hours", held & (hours > LONGEST_HOURS), "that last over a day", f"up to {LONGEST_HOURS:.0f} h"),
        ("account", strange, "of accounts that the CRM export does not know", "ids of the CRM export"),
    ]  # fmt: skip
    problems += [
        _fault(file, place.get(name, name), rows, what, allowed, table)
        for name, rows, what, allowed in faults
        if rows.any()
    ]
    for name, values, known in (("status", status, (*HELD, *CANCELLED)), ("kind", kind, KINDS)):
        for word in sorted(set(values.dropna()) - set(known)):
            rows = values == word
            near, many = nearest(word, known), counted(int(rows.sum()), "row")
            problems.append(
                Problem(file, int(rows.idxmax()) + 2, place[name],
                        f"{many} with a {name} of no known meaning", word, ", ".join(known), near)
            )  # fmt: skip
    if problems:
        raise InputError(problems)
    name = text("activity").map(_name)
    # who says nothing of the kind: what may be cancelled is a meeting, everything else is desk work
    met = name.isin(set(name[called_off]))
    clean = pd.DataFrame(
        {
            "activity": name,
            "step": text("step").map(_name, na_action="ignore"),
            "kind": kind.where(kind.notna(), met.map({True: "meeting", False: "desk"})),
            "account": text("account"),
            "start": start,
            "hours": hours,
            "held": held,
            "line": table.index + 2,
        }
    )
    clean["step"] = clean["step"].where(
        clean["step"].notna(), clean["kind"].map({"meeting": "meet", "interrupt": "handle"}).fillna("work")
    )
    return TimeLog(clean.reset_index(drop=True), place)


def _table(file: str, encoding: str) -> pd.DataFrame:
    import pandas as pd

    plain: Any = {"dtype": "str", "skip_blank_lines": False, "encoding": encoding, "keep_default_na": False}
    try:
        header = str(next(iter(pd.read_csv(file, sep="\x1f", nrows=1, header=None, quoting=3, **plain)[0]), ""))
        table = pd.read_csv(file, sep=max(",;\t", key=header.count), **plain)
    except (OSError, UnicodeError, LookupError, pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        message, hint = unreadable(error, encoding)
        raise InputError([Problem(file, None, "", message, allowed=hint)]) from None
    table = table[~(table == "").all(axis=1)]  # the index still tells the line
    if table.empty:
        raise InputError([Problem(file, 1, "", "the file has no rows")])
    return table


def _places(
    table: pd.DataFrame,
    given: Mapping[str, str],
    known: Mapping[str, tuple[str, ...]],
    required: Iterable[str],
    file: str,
    option: str,
) -> dict[str, str]:
    names = {_folded(column): column for column in table.columns}
    problems = [
        Problem(option, None, meaning, "no such meaning", meaning, ", ".join(known), nearest(meaning, known))
        for meaning in given
        if meaning not in known
    ]
    place: dict[str, str] = {}
    for meaning, words in known.items():
        wanted = (given[meaning],) if meaning in given else words
        column = next((names[_folded(word)] for word in wanted if _folded(word) in names), None)
        if column is not None and column not in place.values():
            place[meaning] = column
        elif meaning in given or meaning in required:
            allowed = f"{', '.join(wanted)}, or name it with {option} {meaning}=NAME"
            near = nearest(wanted[0], table.columns)
            problems.append(Problem(file, 1, meaning, "no such column", ", ".join(table.columns), allowed, near))
    if problems:
        raise InputError(problems)
    return place


def _texts(table: pd.DataFrame, place: Mapping[str, str]) -> Any:
    import pandas as pd

    def text(name: str) -> pd.Series:
        if name not in place:
            return pd.Series(pd.NA, index=table.index, dtype="str")
        stripped = table[place[name]].str.strip()
        return stripped.where(stripped != "")

    return text


def _days(text: pd.Series) -> pd.Series:
    """Times from ISO 8601 and its common relatives (2027/3/31, 2027年3月31日), NaT where the text is none.

    Clocks are taken as written: an offset from UTC is left out.
    """
    import pandas as pd

    def iso(found: re.Match[str]) -> str:
        return f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}"

    plain = text.str.replace(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", iso, regex=True)
    plain = plain.str.replace(r"(?<=:\d\d)(\.\d+)?\s*(Z|[+-]\d\d:?\d\d)$", "", regex=True)
    return pd.to_datetime(plain, format="ISO8601", errors="coerce")


_SIGNS = "¥$€£"
_SIGN_OF = {"JPY": "¥", "CNY": "¥", "EUR": "€", "GBP": "£"} | dict.fromkeys(
    ("USD", "AUD", "CAD", "HKD", "NZD", "SGD"), "$"
)


def _amounts(text: pd.Series) -> pd.Series:
    """Numbers, with thousands separated by commas or blanks and a currency sign before them."""
    import pandas as pd

    found = pd.to_numeric(text.str.replace(rf"[,\s{_SIGNS}]", "", regex=True), errors="coerce")
    return found.where(np.isfinite(found))


def _fault(file: str, column: str, rows: pd.Series, what: str, allowed: str, table: pd.DataFrame) -> Problem:
    lines = [int(i) + 2 for i in rows[rows].index]
    shown = ", ".join(map(str, lines[:5])) + (", …" if len(lines) > 5 else "")
    example = str(table.loc[lines[0] - 2, column]) if column in table.columns else ""
    return Problem(
        file,
        lines[0],
        column,
        f"{counted(len(lines), 'row')} {what}",
        f"lines {shown}" + (f" ({example})" if example else ""),
        allowed,
    )


def _folded(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _name(text: str) -> str:
    """A name that a scenario may use: letters, digits and underscores, no digit first."""
    name = re.sub(r"\W+", "_", str(text).strip().lower()).strip("_") or "unnamed"
    return f"n_{name}" if name[0].isdigit() else name


def _written(day: Any) -> str:
    return f"{day:%Y-%m-%d}" if day == day else "the export"


# --- estimates -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """A share or rate with its counts and 95 % interval."""

    value: float
    low: float
    high: float
    events: int
    exposure: float


def share_of(events: int, trials: int) -> Share:
    """A share with Wilson's interval (E. B. Wilson, JASA 22:209-212, 1927), NaN without trials."""
    if not trials:
        return Share(math.nan, math.nan, math.nan, 0, 0)
    p, z = events / trials, Z95
    centre = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    return Share(p, max(centre - half, 0.0), min(centre + half, 1.0), events, trials)


def rate_of(events: int, exposure: float) -> Share:
    """Events per unit of exposure with the exact Poisson interval (Garwood, Biometrika 28, 1936)."""
    from scipy.stats import chi2

    if exposure <= 0:
        return Share(math.nan, math.nan, math.nan, events, exposure)
    low = float(chi2.ppf(0.025, 2 * events) / 2) if events else 0.0
    high = float(chi2.ppf(0.975, 2 * events + 2) / 2)
    return Share(events / exposure, low / exposure, high / exposure, events, exposure)


@dataclass(frozen=True)
class SegmentFit:
    """What an export says of a segment.

    Attributes:
        opening: accounts there on the day of the export.
        new_per_month: starts in the window; churn_per_month: cancellations by account-month in the window.
        mrr_mean, mrr_cv: of the accounts that are there.
        term: months, the commonest; NaN where the export does not say.
        opening_age: months over which ages spread evenly with the mean age found.
    """

    name: str
    opening: int
    new_per_month: Share
    churn_per_month: Share
    mrr_mean: float
    mrr_cv: float
    term: float
    opening_age: float


def fit_segment(accounts: Accounts, segment: str, months: float = 12.0) -> SegmentFit:
    """Numbers of one segment from the last ``months`` before the export.

    An account counts as exposed from the later of its start and the window's begin to the earlier of its cancellation
    and the export.

    Raises:
        ParameterError: a window of no length, or no such segment.
    """
    import pandas as pd

    rows = accounts.table[accounts.table["segment"] == segment]
    if months <= 0 or rows.empty:
        raise ParameterError(f"no accounts of {segment!r} in a window of {months} months")
    begin = accounts.as_of - pd.Timedelta(days=months * MONTH_DAYS)
    there = rows[rows["cancelled"].isna()]
    last = rows["cancelled"].fillna(accounts.as_of)
    exposed = (
        (last - rows["start"].where(rows["start"] > begin, begin)).dt.total_seconds().clip(lower=0).sum()
        / 86400
        / MONTH_DAYS
    )
    lost = int((rows["cancelled"] > begin).sum())
    started = int((rows["start"] > begin).sum())
    mrr = there["mrr"].to_numpy(dtype=float)
    terms = rows["term"].dropna()
    age = (accounts.as_of - there["start"]).dt.days.mean() / MONTH_DAYS if len(there) else 12.0
    return SegmentFit(
        name=segment,
        opening=len(there),
        new_per_month=rate_of(started, months),
        churn_per_month=rate_of(lost, float(exposed)),
        mrr_mean=float(mrr.mean()) if mrr.size else 0.0,
        mrr_cv=float(mrr.std(ddof=1) / mrr.mean()) if mrr.size > 1 and mrr.mean() > 0 else 0.0,
        term=float(terms.mode().iloc[0]) if len(terms) else math.nan,
        opening_age=max(float(round(2 * age)), 1.0),
    )


@dataclass(frozen=True)
class StepFit:
    """Effort of one step: entries, mean hours with its 95 % interval, spread (0 where too few entries tell it)."""

    name: str
    kind: str
    entries: int
    mean: float
    low: float
    high: float
    cv: float


@dataclass(frozen=True)
class ActivityFit:
    """What a log says of an activity.

    Attributes:
        steps: in the order in which they usually come.
        every: a cadence where the gaps between entries of an account keep to one, else None.
        per_month: occurrences by account-month of the covered accounts.
        coverage: by segment, share of the accounts with at least one entry; empty without accounts.
        cancellation: by segment (``all`` without accounts), meetings cancelled ÷ meetings that were to be.
        months: length of the log.
    """

    name: str
    steps: tuple[StepFit, ...]
    every: str | None
    per_month: Share
    coverage: Mapping[str, Share]
    cancellation: Mapping[str, Share]
    months: float


def fit_step(name: str, kind: str, hours: NDArray[np.float64]) -> StepFit:
    """Mean and spread of the hours of a step."""
    mean = float(hours.mean())
    spread = float(hours.std(ddof=1)) if hours.size > 1 else 0.0
    half = Z95 * spread / math.sqrt(hours.size)
    cv = spread / mean if hours.size >= FEWEST and mean > 0 else 0.0
    return StepFit(name, kind, int(hours.size), mean, max(mean - half, 0.0), mean + half, cv)


def fit_activity(log: TimeLog, name: str, accounts: Accounts | None = None) -> ActivityFit:
    """Steps, frequency, coverage and cancellations of one activity.

    Raises:
        ParameterError: no such activity in the log, or none of its entries was held.
    """
    rows = log.table[log.table["activity"] == name]
    done = rows[rows["held"]]
    if done.empty:
        raise ParameterError(f"no entry of {name!r} was held")
    months = max((log.table["start"].max() - log.table["start"].min()).days / MONTH_DAYS, 1.0)
    order = _order(rows)
    order = [step for step in order if (done["step"] == step).any()]
    steps = tuple(
        fit_step(
            str(step),
            str(done.loc[done["step"] == step, "kind"].mode()[0]),
            done.loc[done["step"] == step, "hours"].to_numpy(float),
        )
        for step in order
    )
    meeting = next((step.name for step in steps if step.kind == "meeting"), steps[0].name)
    times = done[done["step"] == meeting]
    covered = int(times["account"].nunique()) or 1
    segment_of = accounts.table.set_index("account")["segment"] if accounts is not None else None
    coverage: dict[str, Share] = {}
    cancellation: dict[str, Share] = {}
    meetings = rows[rows["kind"] == "meeting"]
    if segment_of is not None and accounts is not None:
        there = accounts.table[accounts.table["cancelled"].isna()]
        for segment, group in there.groupby("segment"):
            coverage[str(segment)] = share_of(int(group["account"].isin(times["account"]).sum()), len(group))
            of = meetings[meetings["account"].map(segment_of) == segment]
            if len(of):
                cancellation[str(segment)] = share_of(int((~of["held"]).sum()), len(of))
    elif len(meetings):
        cancellation["all"] = share_of(int((~meetings["held"]).sum()), len(meetings))
    return ActivityFit(
        name, steps, _cadence(times), rate_of(len(times), covered * months), coverage, cancellation, months
    )


def _order(rows: pd.DataFrame) -> list[str]:
    """Steps in the order in which they come: one precedes another when the wait for the other after it is the shorter
    one, by the median over accounts. Without accounts the order in which they first appear."""
    steps = [str(step) for step in dict.fromkeys(rows.sort_values("start", kind="stable")["step"])]
    known = rows.dropna(subset=["account"])
    if len(steps) < 2 or known.empty:
        return steps
    starts = {
        key: np.sort(part["start"].to_numpy().astype("datetime64[s]").astype(float))
        for key, part in known.groupby(["account", "step"])
    }
    accounts = known["account"].unique()

    def wait(first: str, then: str) -> float:
        """Median time from one step to the next of another."""
        gaps = []
        for account in accounts:
            here, there = starts.get((account, first)), starts.get((account, then))
            if here is not None and there is not None:
                place = np.searchsorted(there, here)
                inside = place < len(there)
                gaps.append(there[place[inside]] - here[inside])
        together = np.concatenate(gaps) if gaps else np.zeros(0)
        return float(np.median(together)) if together.size else math.inf

    ahead = {step: sum(wait(step, other) < wait(other, step) for other in steps if other != step) for step in steps}
    return sorted(steps, key=lambda step: -ahead[step])


def _cadence(times: pd.DataFrame) -> str | None:
    known = times.dropna(subset=["account"]).sort_values("start")
    gaps = known.groupby("account")["start"].diff().dropna().dt.total_seconds().to_numpy() / 86400
    if gaps.size < 5:
        return None
    low, middle, high = np.quantile(gaps, (0.25, 0.5, 0.75))
    best = min(CADENCES, key=lambda name: abs(math.log(max(middle, 1e-9) / CADENCES[name])))
    days = CADENCES[best]
    near = abs(middle / days - 1) <= NEAR and low >= days * (1 - 2 * NEAR) and high <= days * (1 + 2 * NEAR)
    return best if near else None
