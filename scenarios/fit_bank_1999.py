"""Fit the numbers of ``bank_1999.yaml`` from the call log of the Anonymous Bank.

    python scenarios/fit_bank_1999.py [FOLDER] [--figures DIRECTORY]

FOLDER holds ``anonymous_bank_calls_dev.csv.gz``; without it the environment variable SIMULATOR_DATA names the folder,
else ``../shared/data`` beside the repository. Writes the arrival tables to ``scenarios/data``, with the shape of an
office day for other scenarios, and prints every candidate law with its AIC and each queue as the scenario states it.

Data: I. Guedj and A. Mandelbaum, Technion; Brown et al. (2005), Statistical analysis of a telephone call center, JASA
100:36-50. Free for use with acknowledgement of the source.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from simulator.support import fit

HERE = Path(__file__).resolve().parent
LOG = "anonymous_bank_calls_dev.csv.gz"
HOURS = {"sun-thu": "07:00-24:00", "fri": "07:00-14:00", "sat": "19:00-24:00"}
LAST_DAY = "1999-02-28"  # later the internet callers move to agents of their own
OUTAGE = "1999-01-13"  # a failed switch dropped every waiting caller
HANG_UP = 10.0  # seconds; Brown et al. find that agents hung up to rest: no conversation is that short
WEEK = ("sun-thu", "fri", "sat")
CAMPAIGN_WEEK = ("sun,tue,thu", "mon,wed", "fri", "sat")  # prospective customers come in waves on three afternoons
QUEUES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "regular": (("PS",), WEEK),
    "stock_exchange": (("NE",), WEEK),
    "prospective": (("NW",), CAMPAIGN_WEEK),
    "other": (("IN", "PE", "TT"), WEEK),
}
"""Queue of the scenario: types of the log, days that share a profile."""


def data_folder(argument: str | None = None) -> Path:
    """The folder of recorded logs: the argument, else SIMULATOR_DATA, else ../shared/data."""
    return Path(argument or os.environ.get("SIMULATOR_DATA") or HERE.parent.parent / "shared" / "data")


def read(folder: Path) -> fit.CallLog:
    """The calls of January and February that asked for an agent."""
    log = fit.read_calls(folder / LOG, ignore=("left_vru", "phantom"))
    return log.only(last=LAST_DAY, without=[OUTAGE])


def fit_queues(log: fit.CallLog) -> dict[str, fit.QueueFit]:
    """Every queue of the scenario, fitted."""
    return {
        name: fit.fit_queue(log.only(types), hours=HOURS, pools=pools, hang_up=HANG_UP)
        for name, (types, pools) in QUEUES.items()
    }


def table_file(name: str) -> str:
    """The CSV of a queue's arrivals, relative to the scenario."""
    return f"data/bank_1999_{name}.csv"


def office_profile(queue: fit.QueueFit) -> str:
    """A CSV of the shape of an office day, 09:00 to 18:00 and mean 1, for scenarios without records of their own."""
    row = {time: mean for time, mean in queue.profile.table["mon"].items() if "09:00" <= time < "18:00"}
    average = sum(row.values()) / len(row)
    return "\n".join(["time,weight", *(f"{time},{mean / average:.3f}" for time, mean in row.items())]) + "\n"


def describe(name: str, queue: fit.QueueFit) -> str:
    """The candidates, best first, and the queue in YAML."""
    import yaml

    waited = queue.waited
    lines = [
        f"{name}: {queue.offered:,} calls, {queue.abandoned / queue.offered:.1%} abandoned, "
        f"{queue.profile.outside} outside the hours, {queue.hang_ups:.1%} of answers under {HANG_UP:g} s",
    ]
    for title, fits in (("patience", queue.patience), ("talk", queue.talk)):
        for law in fits:
            gap = f"  gap to Kaplan-Meier {law.gap(waited):.3f}" if title == "patience" and waited is not None else ""
            lines.append(f"  {title:9s} AIC {law.aic:11,.1f}  {fit.law_document(law.law)}{gap}")
    document = {name: queue.document(table_file(name))}
    return "\n".join(lines) + "\n" + yaml.safe_dump(document, sort_keys=False, default_flow_style=None)


def draw(queues: dict[str, fit.QueueFit], log: fit.CallLog, folder: Path) -> None:
    """Pictures of the fits: patience, talk and arrivals, a row per queue."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(queues), 3, figsize=(15, 3.2 * len(queues)), layout="constrained")
    for (name, queue), (left, middle, right) in zip(queues.items(), axes, strict=True):
        if queue.waited is not None:
            curve = queue.waited
            end = float(curve.time[curve.at_risk >= 30].max(initial=60.0))
            t = np.linspace(0.0, end, 300)
            left.step(np.append(0.0, curve.time), np.append(1.0, curve.share), where="post", color="black", lw=2)
            for law in queue.patience[:3]:
                left.plot(t, law.law.survival(t), label=f"{law.law.family}, AIC {law.aic:,.0f}")
            left.set(
                title=f"{name}: share still patient (black: Kaplan-Meier)", xlabel="wait, s", xlim=(0, end), ylim=(0, 1)
            )
            left.legend()
        talk = log.only(QUEUES[name][0]).calls["talk"].dropna().to_numpy()
        t = np.geomspace(1.0, 3600.0, 300)
        middle.plot(np.sort(talk), 1.0 - np.arange(1, len(talk) + 1) / len(talk), color="black", lw=2)
        for law in queue.talk[:2]:
            middle.plot(t, law.law.survival(t), label=f"{law.law.family}, AIC {law.aic:,.0f}")
        middle.set(title=f"{name}: share still talking", xlabel="talk, s", xscale="log", xlim=(1, 3600))
        middle.legend()
        for day in ("sun", "mon", "fri", "sat"):
            row = queue.profile.table[day]
            hours = [int(time[:2]) + int(time[3:]) / 60 for time in row]
            right.step(hours, list(row.values()), where="post", label=day)
        title = f"{name}: calls per half hour (day cv {queue.profile.factors.day_cv:.2f})"
        right.set(title=title, xlabel="hour", xlim=(7, 24))
        right.legend()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "bank_1999_fits.png", dpi=80)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", help="folder of the call log")
    parser.add_argument("--figures", type=Path, help="also draw the fits into this directory")
    options = parser.parse_args()
    folder = data_folder(options.folder)
    if not (folder / LOG).exists():
        print(f"NOT FITTED: {folder / LOG} does not exist; name its folder or set SIMULATOR_DATA", file=sys.stderr)
        return 2
    log = read(folder)
    print(
        f"{len(log.calls):,} calls on {len(log.dates)} days, {log.dates.min():%Y-%m-%d} to {log.dates.max():%Y-%m-%d}"
    )
    queues = fit_queues(log)
    for name, queue in queues.items():
        queue.profile.write(HERE / table_file(name))
        print("\n" + describe(name, queue))
    (HERE / "data" / "office_phone_profile.csv").write_text(office_profile(queues["regular"]), encoding="utf-8")
    if options.figures:
        draw(queues, log, options.figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
