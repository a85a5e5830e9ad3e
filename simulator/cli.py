"""The command line: reading arguments and printing, no arithmetic.

Exit status: 0 done, 2 the input is wrong (every problem in one list), 1 anything else.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.errors import InputError, Problem, SimulatorError, nearest

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.glossary import Language
    from simulator.scenario.schema import Scenario
    from simulator.studies.run import Progress


class _Group(click.Group):
    """Turns what users can do wrong into a list and an exit status, and hides tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            _problems(error)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(130)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception as error:
            hung_up = isinstance(error, OSError) and error.errno == errno.EPIPE  # `simulator check ... | head`
            if ctx.params.get("debug") or hung_up:
                raise
            if isinstance(error, OSError) and error.strerror:
                click.echo(f"simulator: {error.strerror}: {error.filename}", err=True)
            elif isinstance(error, SimulatorError):
                click.echo(f"simulator: {error}", err=True)
            else:
                click.echo(
                    f"simulator: {type(error).__name__}: {error} (a fault of the simulator; `simulator --debug ...`"
                    " shows where)",
                    err=True,
                )
            ctx.exit(1)


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def _problems(error: InputError) -> None:
    from simulator.reporting.tables import problems

    problems(error, _console(stderr=True))


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from simulator.provenance import version

        click.echo(f"simulator {version()}")
        ctx.exit()


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Capacity planning for customer support and customer success.

    Start with: simulator run scenarios/quickstart.yaml
    """


def _scenario_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--variant", "variants", multiple=True, metavar="NAME", help="A variant of the scenario; repeatable."
        ),
        click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Replace one value; repeatable."),
        click.argument("scenario", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--replications", type=click.IntRange(min=2), help="How often to simulate the horizon."),
        click.option("--seed", type=click.IntRange(min=0), help="Another seed than the scenario's."),
        click.option(
            "--jobs", type=click.IntRange(min=1), help="Workers; default all cores. Results do not depend on it."
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path, file_okay=False),
            help="New folder to write; default a dated one under runs/.",
        ),
        click.option("--quiet", is_flag=True, help="Print only where the results are."),
        click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON and nothing else."),
    ):
        command = option(command)
    return command


def _lang(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--lang", type=click.Choice(["en", "ja"]), default="en", show_default=True)(command)


@main.command()
@_scenario_options
@_run_options
@_lang
@click.option(
    "--resume", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Go on with an interrupted run."
)
def run(
    scenario: Path,
    variants: tuple[str, ...],
    overrides: tuple[str, ...],
    replications: int | None,
    seed: int | None,
    jobs: int | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
    lang: Language,
    resume: Path | None,
) -> None:
    """Simulate a scenario: staffing needs, KPIs and cost, with their probabilities."""
    if resume and out:
        raise click.UsageError("--resume goes on in its own folder; leave out --out")
    plan = _read(scenario, variants, overrides)
    changes: list[str] = []
    if variants or overrides:
        from simulator.scenario.variants import differences

        changes = [str(change) for change in differences(_read(scenario, (), ()), plan)]
    folder = resume or _new_folder(out, plan.name)
    progress = _Shower(quiet or as_json)
    progress.say_compilation()
    from simulator.results import save, to_json
    from simulator.studies.run import run as simulate

    blocks = folder / "blocks"
    try:
        with progress:
            result = simulate(
                plan,
                replications=replications,
                seed=seed,
                jobs=jobs,
                store=blocks,
                progress=progress.update,
                changes=changes,
                resume=resume is not None,
            )
        save(result, folder)
        if not quiet and not as_json:  # the answer first: drawing the charts takes longer than reading it
            from simulator.reporting.tables import show

            show(result, _console(), lang)
        with progress.working("drawing the charts, writing the page and the workbook"):
            _write_reports(result, folder, lang)
    except KeyboardInterrupt:
        if blocks.is_dir():
            options: list[tuple[str, object]] = [("--variant", name) for name in variants]
            options += [("--set", change) for change in overrides]
            options += [("--replications", replications), ("--seed", seed), ("--jobs", jobs), ("--resume", folder)]
            words = [str(word) for name, value in options if value is not None for word in (name, value)]
            click.echo(f"interrupted; go on with: {shlex.join(['simulator', 'run', str(scenario), *words])}", err=True)
        else:
            click.echo("interrupted before any part was finished", err=True)
        sys.exit(130)
    _remove_blocks(blocks)
    if as_json:
        click.echo(to_json(result.summary).decode(), nl=False)
    elif quiet:
        click.echo(str(folder))
    else:
        click.echo(f"\nResults: {folder}  (open {folder / 'report.html'})")


@main.command()
@_scenario_options
@click.option("--json", "as_json", is_flag=True, help="Print the resolved scenario as JSON and nothing else.")
def check(scenario: Path, variants: tuple[str, ...], overrides: tuple[str, ...], as_json: bool) -> None:
    """Validate a scenario; print it resolved, its offered load and what looks suspicious. Simulates nothing."""
    plan = _read(scenario, variants, overrides)
    if as_json:
        click.echo(json.dumps(plan.document(), ensure_ascii=False, indent=2))
        return
    from simulator.scenario.loading import dump
    from simulator.studies.preview import preview

    click.echo(dump(plan.document()))
    for line in preview(plan):
        click.echo(line)


@main.command()
@_scenario_options
@_run_options
@_lang
@click.option("--month", default="all", show_default=True, help="Month to print; the file has every month.")
def compare(
    scenario: Path,
    variants: tuple[str, ...],
    overrides: tuple[str, ...],
    replications: int | None,
    seed: int | None,
    jobs: int | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
    lang: Language,
    month: str,
) -> None:
    """Compare variants with the scenario as it stands, paired on common draws.

    With --set, all overrides together are one more variant.
    """
    base = _read(scenario, (), ())
    others = [(name, _read(scenario, (name,), ())) for name in dict.fromkeys(variants)]
    if overrides:
        others.append(("set", _read(scenario, (), overrides)))
    if not others:
        known = ", ".join(base.variants) or "none here"
        raise click.UsageError(f"nothing to compare with: give --variant NAME ({known}) or --set PATH=VALUE")
    months = ("all", *base.calendar.grid().month_labels)
    if month not in months:
        raise InputError(
            [Problem(None, None, "--month", "no such month", month, ", ".join(months), nearest(month, months))]
        )
    if seed is not None:
        base = base.with_({"monte_carlo.seed": seed})
    folder = _new_folder(out, f"{base.name} compare")
    progress = _Shower(quiet or as_json)
    progress.say_compilation()
    from simulator.results import to_json, write_atomically
    from simulator.studies.compare import compare as compare_plans

    with progress:
        found = compare_plans(
            base,
            *(plan for _, plan in others),
            names=tuple(name for name, _ in others),
            replications=replications,
            jobs=jobs,
            progress=progress.update,
        )
    file = folder / "compare.csv"
    write_atomically(file, found.table.to_csv(index=False, lineterminator="\n").encode())
    if as_json:
        click.echo(to_json(found.table.to_dict("records")).decode(), nl=False)
    elif quiet:
        click.echo(str(folder))
    else:
        from simulator.reporting.tables import show_comparison

        show_comparison(found.table, month, _console(), lang)
        click.echo(f"\nEvery month and KPI: {file}")


@main.command()
@click.argument("calls", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--column", "columns", multiple=True, metavar="MEANING=NAME", help="Where a column is: queue=type.")
@click.option("--answered", multiple=True, metavar="WORD", help="Another word for an answered call; repeatable.")
@click.option("--abandoned", multiple=True, metavar="WORD", help="Another word for an abandoned call; repeatable.")
@click.option("--ignore", multiple=True, metavar="WORD", help="An outcome that is no call to an agent; repeatable.")
@click.option("--skip", multiple=True, metavar="KIND", help="Leave out and count rows with this fault; repeatable.")
@click.option("--queue", "queues", multiple=True, metavar="NAME=KIND,KIND", help="A queue; default every kind of call.")
@click.option("--hours", multiple=True, metavar="DAYS=SPAN", help="Opening, as mon-fri=09:00-18:00; default inferred.")
@click.option("--pool", "pools", multiple=True, metavar="DAYS", help="Weekdays that share a profile, as sun-thu.")
@click.option("--first", metavar="DATE", help="First day used.")
@click.option("--last", metavar="DATE", help="Last day used.")
@click.option("--without", multiple=True, metavar="DATE", help="A day left out, such as an outage; repeatable.")
@click.option("--hang-up", default="0 s", show_default=True, help="Shorter answered calls are no conversation.")
@click.option("--date-format", metavar="FORMAT", help="How days are written, as %d/%m/%Y; default found out.")
@click.option("--timezone", metavar="NAME", help="The centre's time zone; times with an offset are converted to it.")
@click.option("--holidays", metavar="CODE", help="Country whose public holidays are closed and not in the fit, as JP.")
@click.option("--encoding", default="utf-8-sig", show_default=True, help="Of the file's text, as cp932.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write; must not exist.")
@click.option("--quiet", is_flag=True, help="Print only where the draft is.")
@click.option("--json", "as_json", is_flag=True, help="Print what was fitted as JSON.")
def fit(calls: Path, out: Path | None, quiet: bool, as_json: bool, **options: Any) -> None:
    """Draft a scenario from a call log, with figures of every fit and what the log could not tell."""
    from simulator.reporting.plots_fit import save_figures
    from simulator.studies import fit as study

    arguments, problems = dict(options), []
    for option in ("columns", "queues", "hours"):
        pairs = [entry.partition("=")[::2] for entry in options[option]]
        flag = {"columns": "--column", "queues": "--queue", "hours": "--hours"}[option]
        problems += [
            Problem(None, None, flag, "write it as NAME=VALUE, each name once", found=f"{name}={value}".rstrip("="))
            for name, value in pairs
            if not name or not value or [other for other, _ in pairs].count(name) > 1
        ]
        arguments[option] = dict(pairs)
    if problems:
        raise InputError(problems)
    arguments["queues"] = {name: kinds.split(",") for name, kinds in arguments["queues"].items()}
    arguments["hang_up"] = study.seconds(options["hang_up"], "--hang-up")
    folder = _new_folder(out, f"fit-{calls.name.partition('.')[0]}")
    given = {name: value for name, value in options.items() if value}
    with _Shower(quiet or as_json).working("fitting arrivals, patience and talk"):
        made = study.draft(calls, **arguments)
    with _Shower(quiet or as_json).working("writing the draft and its figures"):
        study.write(made, folder, given)
        save_figures(made, folder / "figures")
    if as_json:
        from simulator.results import to_json

        click.echo(to_json(study.report(made, given)).decode(), nl=False)
    elif quiet:
        click.echo(str(folder))
    else:
        for line in made.lines(min(_console().width, 110)):
            click.echo(line)
        click.echo(f"\nDraft: {folder}  (next: simulator check {folder / 'scenario.yaml'})")


@main.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@_lang
def report(run: Path, lang: Language) -> None:
    """Write the page, the workbook and the figures of a saved run again."""
    from simulator.results import load

    _write_reports(load(run), run, lang)
    click.echo(f"Written: {run / 'report.html'}")


@main.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write instead of printing.")
def schema(out: Path | None) -> None:
    """Print the JSON Schema of a scenario, for editors."""
    from simulator.scenario.loading import schema_json

    text = json.dumps(schema_json(), ensure_ascii=False, indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        from simulator.results import write_atomically

        write_atomically(out, text.encode())


def _read(path: Path, variants: tuple[str, ...], overrides: tuple[str, ...]) -> Scenario:
    from simulator.scenario.loading import read

    return read(path, variants=variants, overrides=overrides)


def _new_folder(out: Path | None, name: str) -> Path:
    """The folder of a run: as asked for, or dated under ``runs/``; one that exists is never written to."""
    if out is not None:
        if out.exists() and any(out.iterdir()):
            allowed = "a new folder, or --resume to go on with an interrupted run"
            raise InputError([Problem(None, None, "--out", "the folder exists and is not empty", str(out), allowed)])
        return out
    slug = re.sub(r"\W+", "-", name.lower())[:40].strip("-") or "run"
    stamp = dt.datetime.now().strftime("%Y%m%d-%H%M%S")
    folder, number = Path("runs") / f"{stamp}-{slug}", 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{stamp}-{slug}-{number}"
    return folder


def _write_reports(result: Any, folder: Path, lang: Language) -> None:
    from simulator.reporting import page, workbook
    from simulator.reporting.plots import save_figures

    save_figures(result, folder / "figures", lang)
    page.write(result, folder / "report.html", lang)
    workbook.write(result, folder / "plan.xlsx", lang)


def _remove_blocks(folder: Path) -> None:
    from simulator.montecarlo.store import Store

    Store(folder, "").clear()


class _Shower:
    """Progress on standard error: a bar per phase on a terminal, nothing when quiet."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.bar: Any = None
        self.task: Any = None
        self.phase = ""

    def say_compilation(self) -> None:
        """Say that the first run on a machine compiles, before it does."""
        from simulator import _cache

        if not self.quiet and not _cache.is_warm():
            click.echo("First run on this machine: compiling the engines, about 20 seconds, once.", err=True)

    def __enter__(self) -> _Shower:
        console = _console(stderr=True)
        if not self.quiet and console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:.0f}/{task.total:.0f}"),
                TimeRemainingColumn(),
                console=console,
                transient=True,
            )
            self.bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if self.bar:
            self.bar.__exit__(*error)
            self.bar = None

    @property
    def update(self) -> Progress | None:
        return self._update if self.bar else None

    def _update(self, phase: str, done: int, total: int, left: float) -> None:
        if phase != self.phase or self.task is None or done == 0:
            self.phase = phase
            if self.task is not None:
                self.bar.remove_task(self.task)
            self.task = self.bar.add_task(phase, total=total)
        self.bar.update(self.task, completed=done)

    def working(self, text: str) -> Any:
        """A spinner for work without a count."""
        import contextlib

        console = _console(stderr=True)
        return console.status(text) if not self.quiet and console.is_terminal else contextlib.nullcontext()
