"""The command line: reading arguments and printing, no arithmetic.

Exit status: 0 done, 2 the input is wrong (every problem in one list), 1 anything else.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import functools
import gc
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.errors import InputError, Problem, SimulatorError, nearest
from simulator.reporting.wording import phrase

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
            if isinstance(error, MemoryError):
                error = SimulatorError(
                    "not enough memory: fewer accounts, contacts or agents, or fewer --jobs, need less"
                )
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


@contextlib.contextmanager
def _override_of(option: str) -> Iterator[None]:
    """Faults of values that a study puts into the scenario are those of the option that gave them."""
    try:
        yield
    except InputError as error:
        raise InputError([replace(p, file=option) if p.file == "override" else p for p in error.problems]) from None


@contextlib.contextmanager
def _hung_up() -> Iterator[None]:
    """Whoever reads the output may leave early (``simulator run … | head``): what is written goes on."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the rest of the process


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
    # what is loaded and tabulated stays to the end: looking for garbage among it took a sixth of a short run
    gc.set_threshold(100_000, 50, 100)


MOST_REPLICATIONS, MOST_JOBS = 1_000_000, 256
RESOLVED = "scenario.resolved.yaml"

_OUT = click.option(
    "--out", type=click.Path(path_type=Path), help="New folder to write; default a dated one under runs/."
)
_lang = click.option("--lang", type=click.Choice(["en", "ja"]), default="en", show_default=True, help="Language.")
_SAID = (
    click.option("--quiet", is_flag=True, help="Print only where the results are."),
    click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON and nothing else."),
    _lang,
)


def _said(command: Callable[..., Any]) -> Callable[..., Any]:
    """How the answer is printed."""
    for option in _SAID:
        command = option(command)
    return command


class _Share(click.ParamType):
    """A share as ``5%`` or ``0.05``, over 0 and under 1."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from simulator import units
        from simulator.errors import UnitError

        if isinstance(value, float):
            return value
        try:
            share = units.share(value)
        except UnitError as error:
            self.fail(str(error), param, ctx)
        if not 0 < share < 1:
            self.fail(f"{value} is no share over 0 % and under 100 %", param, ctx)
        return share


@dataclass(frozen=True)
class _Asked:
    """What every study of a scenario is asked with."""

    scenario: Path
    variants: tuple[str, ...]
    overrides: tuple[str, ...]
    replications: int | None
    seed: int | None
    jobs: int | None
    dask: str | None
    out: Path | None
    quiet: bool
    as_json: bool
    lang: Language

    def __post_init__(self) -> None:
        if self.jobs and self.dask:
            raise click.UsageError("--jobs are workers of this machine; leave it out with --dask")

    @property
    def workers(self) -> int | str | None:
        """Who does the work: so many processes of this machine, or those of a Dask scheduler."""
        return self.dask or self.jobs

    def read(self) -> Scenario:
        """The scenario with its variants and overrides."""
        return _read(self.scenario, self.variants, self.overrides)

    def seeded(self, plan: Scenario) -> Scenario:
        """The plan with the seed that was asked for."""
        return plan if self.seed is None else plan.with_({"monte_carlo.seed": self.seed})

    def shower(self) -> _Shower:
        """Progress, having said that the engines compile first."""
        shower = _Shower(self.quiet or self.as_json)
        shower.say_compilation()
        return shower

    def tell(self, folder: Path, answer: Callable[[], Any], show: Callable[[Console], None], last: str) -> None:
        """Print the answer as JSON, or the folder alone, or tables and where the rest is."""
        if self.as_json:
            from simulator.results import to_json

            click.echo(to_json(answer()).decode(), nl=False)
        elif self.quiet:
            click.echo(str(folder))
        else:
            show(_console())
            click.echo(f"\n{last}")


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
        click.option(
            "--replications", type=click.IntRange(2, MOST_REPLICATIONS), help="How often to simulate the horizon."
        ),
        click.option("--seed", type=click.IntRange(min=0), help="Another seed than the scenario's."),
        click.option(
            "--jobs", type=click.IntRange(1, MOST_JOBS), help="Workers; default all cores. Results do not depend on it."
        ),
        click.option("--dask", metavar="ADDRESS", help="Work on the machines of this Dask scheduler instead."),
        _OUT,
        *_SAID,
    ):
        command = option(command)
    return command


def _study(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of :class:`_Asked`, bundled as its first argument."""

    @_scenario_options
    @_run_options
    @functools.wraps(command)
    def bundled(**given: Any) -> None:
        asked = _Asked(**{field.name: given.pop(field.name) for field in fields(_Asked)})
        command(asked, **given)

    return bundled


@main.command()
@_study
@click.option(
    "--precision",
    type=_Share(),
    help="Replicate until the chance that the plan is enough is known to ± so much for every team, as 5%.",
)
@click.option(
    "--resume", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Go on with an interrupted run."
)
@click.option(
    "--account-months", type=click.IntRange(1, 1000), help="Also write every account and month of so many replications."
)
@click.option(
    "--records",
    type=click.IntRange(min=1),
    help="Also write every contact of so many replications, and support's KPIs by interval and by day.",
)
def run(
    asked: _Asked, precision: float | None, resume: Path | None, account_months: int | None, records: int | None
) -> None:
    """Simulate a scenario: staffing needs, KPIs and cost, with their probabilities."""
    if resume and asked.out:
        raise click.UsageError("--resume goes on in its own folder; leave out --out")
    if precision and (resume or asked.replications):
        raise click.UsageError("--precision finds the number of replications; leave out --replications and --resume")
    plan = asked.read()
    if account_months and not plan.accounts:
        raise InputError([Problem("--account-months", None, "accounts", "the scenario has no accounts")])
    if records and plan.support is None:
        raise InputError([Problem("--records", None, "support", "the scenario has no support")])
    folder = resume or _new_folder(asked.out, plan.name, "a new folder, or --resume to go on with an interrupted run")
    changes = _changes(asked, plan)
    progress = asked.shower()
    from simulator.results import save, to_json
    from simulator.studies.run import run as simulate

    blocks = folder / "blocks"
    replications = asked.replications
    try:
        with progress:
            if precision:
                from simulator.studies.precise import replications as enough

                replications = enough(asked.seeded(plan), precision, jobs=asked.workers, progress=progress.update)
            result = simulate(
                plan,
                replications=replications,
                seed=asked.seed,
                jobs=asked.workers,
                store=blocks,
                progress=progress.update,
                changes=changes,
                resume=resume is not None,
            )
        save(result, folder)
        if account_months:
            with progress.working("writing the account-month table"):
                _write_account_months(result.scenario, account_months, folder)
        if records:
            with progress.working("writing the records of every contact"):
                _write_records(result.scenario, records, folder)
        if not asked.quiet and not asked.as_json:  # the answer first: drawing the charts takes longer than reading it
            from simulator.reporting.tables import show

            with _hung_up():
                show(result, _console(), asked.lang)
        with progress.working("drawing the charts, writing the page and the workbook"):
            _write_reports(result, folder, asked.lang)
    except KeyboardInterrupt:
        if blocks.is_dir():
            options: list[tuple[str, object]] = [("--variant", name) for name in asked.variants]
            options += [("--set", change) for change in asked.overrides]
            options += [
                ("--replications", replications),
                ("--seed", asked.seed),
                ("--jobs", asked.jobs),
                ("--dask", asked.dask),
            ]
            options += [("--resume", folder)]
            words = [str(word) for name, value in options if value is not None for word in (name, value)]
            again = shlex.join(["simulator", "run", str(asked.scenario), *words])
            click.echo(f"interrupted; go on with: {again}", err=True)
        else:
            click.echo("interrupted before any part was finished", err=True)
        sys.exit(130)
    _remove_blocks(blocks)
    with _hung_up():
        if asked.as_json:
            click.echo(to_json(result.summary).decode(), nl=False)
        elif asked.quiet:
            click.echo(str(folder))
        else:
            click.echo("\n" + phrase("results_at", asked.lang, folder=folder, file=folder / "report.html"))


def _changes(asked: _Asked, plan: Scenario) -> list[str]:
    """What the plan changes, in words: what its run folder says, where it comes from one; variants and overrides."""
    changes: list[str] = []
    if asked.scenario.name == RESOLVED:
        from simulator.results import changes_of

        changes = changes_of(asked.scenario.parent)
    if asked.variants or asked.overrides:
        from simulator.scenario.variants import differences

        changes += [str(change) for change in differences(_read(asked.scenario, (), ()), plan)]
    return changes


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
@_study
@click.option("--month", default="all", show_default=True, help="Month to print; the file has every month.")
def compare(asked: _Asked, month: str) -> None:
    """Compare variants with the scenario as it stands, paired on common draws.

    With --set, all overrides together are one more variant.
    """
    base = _read(asked.scenario, (), ())
    others = [(name, _read(asked.scenario, (name,), ())) for name in dict.fromkeys(asked.variants)]
    if asked.overrides:
        others.append((", ".join(asked.overrides), _read(asked.scenario, (), asked.overrides)))
    if not others:
        known = ", ".join(base.variants) or "none here"
        raise click.UsageError(f"nothing to compare with: give --variant NAME ({known}) or --set PATH=VALUE")
    months = ("all", *base.calendar.grid().month_labels)
    if month not in months:
        raise InputError(
            [Problem(None, None, "--month", "no such month", month, ", ".join(months), nearest(month, months))]
        )
    base = asked.seeded(base)
    folder = _new_folder(asked.out, f"{base.name} compare")
    progress = asked.shower()
    from simulator.reporting.tables import show_comparison
    from simulator.results import write_atomically
    from simulator.studies.compare import compare as compare_plans

    with progress:
        found = compare_plans(
            base,
            *(plan for _, plan in others),
            names=tuple(name for name, _ in others),
            replications=asked.replications,
            jobs=asked.workers,
            progress=progress.update,
        )
    file = folder / "compare.csv"
    write_atomically(file, found.table.to_csv(index=False, lineterminator="\n").encode())
    asked.tell(
        folder,
        lambda: found.table.to_dict("records"),
        lambda console: show_comparison(found.table, month, console, asked.lang, base),
        phrase("comparison_at", asked.lang, file=file),
    )


@main.command()
@_study
@click.option("--over", metavar="PATH=V1,V2,…", help="The input to vary and its values.")
@click.option("--book", metavar="TEAM=N1,N2,…", help="Vary the accounts per head of a success team instead.")
@click.option("--need", is_flag=True, help="Also search the heads that each value needs (success teams).")
@click.option("--refine/--no-refine", default=True, help="Add whole values until the knee is known to 1.")
def sweep(asked: _Asked, over: str | None, book: str | None, need: bool, refine: bool) -> None:
    """Draw KPIs as curves over one input, on common draws, and mark where the targets stop being met.

    The scenario as it stands is one curve, each --variant another; --set holds for all of them.
    """
    if (over is None) == (book is None):
        raise click.UsageError("give --over PATH=V1,V2,… or --book TEAM=N1,N2,…")
    base = _read(asked.scenario, (), asked.overrides)
    curves = {base.name: base}
    curves |= {name: _read(asked.scenario, (name,), asked.overrides) for name in dict.fromkeys(asked.variants)}
    base = asked.seeded(base)
    path, values = _values("--over" if over else "--book", over or book or "")
    folder = _new_folder(asked.out, f"{base.name} sweep")
    progress = asked.shower()
    from simulator.reporting.tables import show_sweep
    from simulator.studies import sweep as study

    with progress, _override_of("--over" if over else "--book"):
        found = study.sweep(
            base,
            path if over else None,
            values,
            book=path if book else None,
            curves=curves,
            replications=asked.replications,
            jobs=asked.workers,
            need=need,
            refine=refine,
            progress=progress.update,
        )
    with progress.working("drawing the curves"):
        study.save(found, folder, asked.lang)
    asked.tell(
        folder,
        lambda: study.summary(found),
        lambda console: show_sweep(found, console, asked.lang),
        phrase("figures_at", asked.lang, folder=folder),
    )


_at_margin = click.option("--gross-margin", "at_margin", is_flag=True, help="Count revenue at gross margin.")


@main.command()
@_study
@click.option("--activity", "activities", multiple=True, metavar="NAME", help="Only this activity; repeatable.")
@click.option(
    "--coverage", "levels", multiple=True, metavar="NAME.SEGMENT=SHARE", help="Another coverage instead; repeatable."
)
@click.option("--break-even", "flip", is_flag=True, help="Also search the effect on churn at which each one pays.")
@_at_margin
def value(asked: _Asked, activities: tuple[str, ...], levels: tuple[str, ...], flip: bool, at_margin: bool) -> None:
    """Tell what activities are worth, from paired runs with and without each."""
    base = asked.seeded(asked.read())
    pairs = [level.partition("=")[::2] for level in levels]
    unclear = [level for level, (place, share) in zip(levels, pairs, strict=True) if not ("." in place and share)]
    if unclear:
        raise InputError(
            [
                Problem("--coverage", None, "", "write it as NAME.SEGMENT=SHARE", level, "qbr.key=50%")
                for level in unclear
            ]
        )
    folder = _new_folder(asked.out, f"{base.name} value")
    progress = asked.shower()
    from simulator.reporting.tables import show_value
    from simulator.studies import value as study

    with progress, _override_of("--coverage"):
        found = study.value(
            base,
            list(activities) or None,
            coverage=dict(pairs),
            break_even=flip,
            at_margin=at_margin,
            replications=asked.replications,
            jobs=asked.workers,
            progress=progress.update,
        )
    study.save(found, folder, asked.lang)
    asked.tell(
        folder,
        lambda: study.summary(found),
        lambda console: show_value(found, console, asked.lang),
        phrase("figures_at", asked.lang, folder=folder),
    )


@main.command("break-even")
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--variant", required=True, metavar="NAME", help="The plan to decide against.")
@click.option("--coefficient", required=True, metavar="PATH", help="A coupling, as couplings.churn_by_late_activities.")
@click.option("--replications", type=click.IntRange(2, MOST_REPLICATIONS), help="How often to simulate the horizon.")
@click.option("--jobs", type=click.IntRange(1, MOST_JOBS), help="Workers; default all cores.")
@_at_margin
@click.option("--out", type=click.Path(path_type=Path), help="New folder; default a dated one under runs/.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON and nothing else.")
@_lang
def break_even(
    scenario: Path,
    variant: str,
    coefficient: str,
    replications: int | None,
    jobs: int | None,
    at_margin: bool,
    out: Path | None,
    as_json: bool,
    lang: Language,
) -> None:
    """Tell how large a coefficient must be for a decision between two plans to flip."""
    base, other = _read(scenario, (), ()), _read(scenario, (variant,), ())
    folder = _new_folder(out, f"{base.name} break-even")
    progress = _Shower(as_json)
    progress.say_compilation()
    from simulator.results import to_json
    from simulator.studies.value import break_even as search
    from simulator.studies.value import save_break_even

    with progress, _override_of("--coefficient"):
        found = search(
            base,
            other,
            coefficient,
            names=(base.name, variant),
            at_margin=at_margin,
            replications=replications,
            jobs=jobs,
            progress=progress.update,
        )
    save_break_even(found, folder, lang)
    if as_json:
        import dataclasses

        click.echo(to_json(dataclasses.asdict(found)).decode(), nl=False)
        return
    from simulator.reporting.tables import show_break_even

    show_break_even(found, base.currency, _console(), lang)
    click.echo("\n" + phrase("figures_at", lang, folder=folder))


def _values(option: str, text: str) -> tuple[str, list[Any]]:
    """A path and the values that it takes, each read as YAML."""
    from simulator.scenario import yaml_text

    path, equals, listed = text.partition("=")
    if not (path.strip() and equals and listed.strip()):
        raise InputError([Problem(option, None, "", "a sweep needs a path and values", text, "PATH=V1,V2,…")])
    try:
        read = yaml_text.read(f"[{listed}]", option, name_lines=False)
    except InputError as error:
        raise InputError([replace(problem, path=path.strip()) for problem in error.problems]) from None
    if read.problems:
        raise InputError([replace(problem, path=path.strip()) for problem in read.problems])
    return path.strip(), list(read.data)


@main.command()
@click.argument("calls", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option(
    "--accounts", type=click.Path(path_type=Path, dir_okay=False), help="A CRM export, to draft the success wing from."
)
@click.option(
    "--activities", type=click.Path(path_type=Path, dir_okay=False), help="A calendar or time log, beside --accounts."
)
@click.option(
    "--tickets", type=click.Path(path_type=Path, dir_okay=False), help="A log of ticket events, to draft their queue."
)
@click.option("--status", "statuses", multiple=True, metavar="MEANING=WORD,WORD", help="Tickets: resolved=fixed,done.")
@click.option("--nobody", multiple=True, metavar="NAME", help="Tickets: a person who is none, as a robot; repeatable.")
@click.option("--account-column", "account_columns", multiple=True, metavar="MEANING=NAME", help="As mrr=monthly fee.")
@click.option("--log-column", "log_columns", multiple=True, metavar="MEANING=NAME", help="As hours=duration.")
@click.option("--as-of", metavar="DATE", help="Day of the CRM export; default the latest day in it.")
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
@_OUT
@_said
def fit(
    calls: Path | None,
    accounts: Path | None,
    activities: Path | None,
    tickets: Path | None,
    statuses: tuple[str, ...],
    nobody: tuple[str, ...],
    account_columns: tuple[str, ...],
    log_columns: tuple[str, ...],
    as_of: str | None,
    lang: Language,
    out: Path | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Draft a scenario from a log of calls or of tickets, or from a CRM export and a time log, every fit drawn.

    Give CALLS or --tickets for support, or --accounts (with --activities) for customer success.
    """
    if sum(source is not None for source in (calls, accounts, tickets)) != 1:
        raise click.UsageError("give a call log, --tickets, or --accounts for customer success; one draft at a time")
    if tickets is not None:
        asked = {"statuses": statuses, "nobody": nobody, **options}
        elsewhere = {"--activities": activities, "--account-column": account_columns, "--log-column": log_columns}
        _fit_tickets(tickets, asked, {**elsewhere, "--as-of": as_of}, lang, out, quiet, as_json)
        return
    if statuses or nobody:
        raise click.UsageError("--status and --nobody read a log of tickets: give it with --tickets")
    if calls is None:
        assert accounts is not None
        columns, problems = _pairs(
            {"accounts": account_columns, "log": log_columns}, {"accounts": "--account-column", "log": "--log-column"}
        )
        if problems:
            raise InputError(problems)
        _fit_success(accounts, activities, columns, as_of, str(options["encoding"]), lang, out, quiet, as_json)
        return
    from simulator.reporting.plots_fit import save_figures
    from simulator.studies import fit as study

    pairs, problems = _pairs(options, {"columns": "--column", "queues": "--queue", "hours": "--hours"})
    arguments = {**options, **pairs}
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
        save_figures(made, folder / "figures", lang)
    if as_json:
        from simulator.results import to_json

        click.echo(to_json(study.report(made, given)).decode(), nl=False)
    elif quiet:
        click.echo(str(folder))
    else:
        for line in made.lines(min(_console().width, 110), lang):
            click.echo(line)
        _tell_draft(folder, lang)


def _tell_draft(folder: Path, lang: Language, scenario: bool = True) -> None:
    """Where the draft is and, where there is a scenario, what to do with it next."""
    then = phrase("draft_next", lang, file=folder / "scenario.yaml") if scenario else ""
    click.echo("\n" + phrase("draft_at", lang, folder=folder) + then)


def _fit_tickets(
    log: Path,
    options: dict[str, Any],
    elsewhere: dict[str, Any],
    lang: Language,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    from simulator.studies import fit_tickets as study

    only_calls = ("answered", "abandoned", "queues", "without")
    unused = {**elsewhere, **{f"--{name.removesuffix('s')}": options[name] for name in only_calls}}
    if options["hang_up"] != "0 s":
        unused["--hang-up"] = options["hang_up"]
    pairs, problems = _pairs(options, {"columns": "--column", "hours": "--hours", "statuses": "--status"})
    problems += [Problem(None, None, flag, "not for a log of tickets") for flag, value in unused.items() if value]
    if problems:
        raise InputError(problems)
    kept = ("ignore", "nobody", "skip", "pools", "first", "last", "date_format", "timezone", "holidays", "encoding")
    states = {meaning: words.split(",") for meaning, words in pairs["statuses"].items()}
    arguments = {name: options[name] for name in kept}
    folder = _new_folder(out, f"fit-{log.name.partition('.')[0]}")
    given = {name: value for name, value in options.items() if value}
    with _Shower(quiet or as_json).working("fitting tickets, re-assignments and elapsed times"):
        made = study.draft(log, columns=pairs["columns"], hours=pairs["hours"], states=states, **arguments)
    with _Shower(quiet or as_json).working("writing the draft and its figures"):
        study.write(made, folder, given, lang)
    if as_json:
        click.echo((folder / "fit.json").read_text(encoding="utf-8"), nl=False)
    elif quiet:
        click.echo(str(folder))
    else:
        for line in made.lines(min(_console().width, 110), lang):
            click.echo(line)
        _tell_draft(folder, lang, made.document is not None)


def _fit_success(
    accounts: Path,
    activities: Path | None,
    columns: dict[str, dict[str, str]],
    as_of: str | None,
    encoding: str,
    lang: Language,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    from simulator.studies import fit_success as study

    folder = _new_folder(out, f"fit-{accounts.name.partition('.')[0]}")
    with _Shower(quiet or as_json).working("fitting accounts, effort and cancellations"):
        made = study.draft(
            accounts,
            activities,
            account_columns=columns["accounts"],
            log_columns=columns["log"],
            as_of=as_of,
            encoding=encoding,
        )
        study.write(made, folder, lang)
    if as_json:
        click.echo((folder / "fit.json").read_text(encoding="utf-8"), nl=False)
    elif quiet:
        click.echo(str(folder))
    else:
        for line in made.lines():
            click.echo(line)
        _tell_draft(folder, lang)


@main.command()
@click.argument("calls", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("staffing", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--column", "columns", multiple=True, metavar="MEANING=NAME", help="A column of the calls: queue=type.")
@click.option(
    "--staff-column", "staff_columns", multiple=True, metavar="MEANING=NAME", help="A column of the staffing: start=on."
)
@click.option("--answered", multiple=True, metavar="WORD", help="Another word for an answered call; repeatable.")
@click.option("--abandoned", multiple=True, metavar="WORD", help="Another word for an abandoned call; repeatable.")
@click.option("--ignore", multiple=True, metavar="WORD", help="An outcome that is no call to an agent; repeatable.")
@click.option("--skip", multiple=True, metavar="KIND", help="Leave out and count calls with this fault; repeatable.")
@click.option("--staff-skip", multiple=True, metavar="KIND", help="The same for rows of the staffing; repeatable.")
@click.option("--first", metavar="DATE", help="First day replayed.")
@click.option("--last", metavar="DATE", help="Last day replayed.")
@click.option("--without", multiple=True, metavar="DATE", help="A day left out, such as an outage; repeatable.")
@click.option("--weekdays", default="daily", show_default=True, metavar="DAYS", help="Days replayed, as sun-thu.")
@click.option("--hours", metavar="SPAN", help="Count calls that arrive in these hours, as 07:00-24:00; default all.")
@click.option("--pool", metavar="NAME", help="The pool of agents that is replayed, where the staffing has several.")
@click.option(
    "--presence",
    default="15 min",
    show_default=True,
    help="Without STAFFING: a longer gap between an agent's own calls is absence.",
)
@click.option(
    "--head-start",
    "head_starts",
    multiple=True,
    metavar="PRIORITY=TIME",
    help="Callers of this priority count as having waited so long at entry, as 2=90s; repeatable.",
)
@click.option("--priority-when-waiting", is_flag=True, help="The log tells priorities only of callers who waited.")
@click.option(
    "--skill-share",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="An agent serves a kind of call with at least this part of its usual share of calls.",
)
@click.option("--answer-within", default="20 s", show_default=True, help="The time of the service level.")
@click.option(
    "--talk",
    type=click.Choice(["recorded", "drawn"]),
    default="recorded",
    show_default=True,
    help="Whether answered calls last as recorded, or as drawn from their kind's law.",
)
@click.option(
    "--fitted",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="habits.json of an earlier replay, in place of a fit on these days.",
)
@click.option("--replications", type=click.IntRange(min=2), default=20, show_default=True, help="Runs of every day.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--date-format", metavar="FORMAT", help="How days are written, as %d/%m/%Y; default found out.")
@click.option("--timezone", metavar="NAME", help="The centre's time zone; times with an offset are converted to it.")
@click.option("--encoding", default="utf-8-sig", show_default=True, help="Of both files' text, as cp932.")
@_OUT
@_said
def replay(
    calls: Path, staffing: Path | None, out: Path | None, quiet: bool, as_json: bool, lang: Language, **options: Any
) -> None:
    """Replay recorded days: real beside simulated, per day, kind of call and half hour.

    CALLS is a call log. STAFFING tells when each agent was there, one row per agent and stretch: date, agent, start and
    end. Without it, presence is inferred from the agents' own calls. What no record tells (patience, what keeps agents
    from the next call) is fitted once on all days together.
    """  # fmt: skip
    from simulator.studies import replay as study
    from simulator.studies.fit import seconds

    arguments = dict(options)
    flags = {"columns": "--column", "staff_columns": "--staff-column", "head_starts": "--head-start"}
    pairs, problems = _pairs(options, flags)
    if problems:
        raise InputError(problems)
    arguments.update({name: pairs[name] for name in ("columns", "staff_columns")})
    del arguments["head_starts"]
    arguments["head_start"] = {value: seconds(text, "--head-start") for value, text in pairs["head_starts"].items()}
    for name in ("presence", "answer_within"):
        arguments[name] = seconds(options[name], f"--{name.replace('_', '-')}")
    folder = _new_folder(out, f"replay-{calls.name.partition('.')[0]}")
    progress = _Shower(quiet or as_json)
    progress.say_compilation()
    with progress.working("replaying the days"):
        made = study.replay(calls, staffing, **arguments)
    with progress.working("drawing the figures"):
        from simulator.reporting.plots_replay import save_figures

        study.write(made, folder)
        save_figures(made, folder / "figures", lang)
    if as_json:
        from simulator.results import to_json

        click.echo(to_json(study.report(made)).decode(), nl=False)
    elif quiet:
        click.echo(str(folder))
    else:
        from simulator.reporting.tables import show_replay

        show_replay(made, _console(), lang)
        for note in made.notes:
            click.echo(f"- {note}")
        click.echo("\n" + phrase("results_at", lang, folder=folder, file=folder / "figures" / "days.png"))


@main.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@_lang
def report(run: Path, lang: Language) -> None:
    """Write the page, the workbook and the figures of a saved run again."""
    from simulator.results import load

    _write_reports(load(run), run, lang)
    click.echo(phrase("written_at", lang, file=run / "report.html"))


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


def _pairs(options: dict[str, Any], flags: dict[str, str]) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """The options of the form NAME=VALUE as dictionaries, and what is wrong with them."""
    found: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for option, flag in flags.items():
        pairs = [entry.partition("=")[::2] for entry in options[option]]
        problems += [
            Problem(None, None, flag, "write it as NAME=VALUE, each name once", found=f"{name}={value}".rstrip("="))
            for name, value in pairs
            if not name or not value or [other for other, _ in pairs].count(name) > 1
        ]
        found[option] = dict(pairs)
    return found, problems


def _read(path: Path, variants: tuple[str, ...], overrides: tuple[str, ...]) -> Scenario:
    from simulator.scenario.loading import read

    return read(path, variants=variants, overrides=overrides)


def _new_folder(out: Path | None, name: str, allowed: str = "a new folder") -> Path:
    """The folder of a run: as asked for, or dated under ``runs/``; one that exists is never written to."""
    if out is not None:
        if out.exists() and not out.is_dir():
            raise InputError([Problem(None, None, "--out", "this is a file", str(out), allowed)])
        if out.exists() and any(out.iterdir()):
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


def _write_account_months(plan: Scenario, replications: int, folder: Path) -> None:
    from simulator.results import write_table
    from simulator.studies.account_months import account_months

    write_table(account_months(plan, replications), folder, "account_months")


def _write_records(plan: Scenario, replications: int, folder: Path) -> None:
    from simulator.results import write_table
    from simulator.studies.records import files
    from simulator.studies.records import records as of

    for name, (table, readable) in files(of(plan, replications)).items():
        write_table(table, folder, name, readable=readable)


def _remove_blocks(folder: Path) -> None:
    from simulator.montecarlo.store import Store

    Store(folder).clear()


class _Shower:
    """Progress on standard error: on a terminal one line per phase, nothing when quiet.

    A phase that is simulated once has a bar and the time left. A search simulates one staffing after another and does
    not know how many will follow: it says how many it tried and for how long, and promises nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.bar: Any = None
        self.task: Any = None
        self.phase, self.tried, self.done, self.since = "", 0, 0, 0.0

    def say_compilation(self) -> None:
        """Say that an engine compiles, before it does: on the first run, and when a model needs rules not used yet."""
        from simulator import _cache

        text = "First run on this machine: compiling the engines, about 20 seconds, once."
        if _cache.is_warm():
            text = "Compiling the engine for rules that no run here has used yet, up to a minute, once."

        def say() -> None:
            if self.bar:
                self.bar.console.print(text)
            else:
                click.echo(text, err=True)

        _cache.before_compiling(None if self.quiet else say)

    def __enter__(self) -> _Shower:
        console = _console(stderr=True)
        if not self.quiet and console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn

            said = TextColumn("{task.fields[said]}")
            self.bar = Progress(TextColumn("{task.description}"), BarColumn(), said, console=console, transient=True)
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
        if phase != self.phase or self.task is None:
            if self.task is not None:
                self.bar.remove_task(self.task)
            self.phase, self.tried, self.since = phase, 1, time.monotonic()
            self.task = self.bar.add_task(phase, total=total, said="")
        elif done < self.done or done == 0:
            self.tried += 1
        self.done = done
        if self.tried > 1:
            said = f"{self.tried} simulated, {_duration(time.monotonic() - self.since)} so far"
            self.bar.update(self.task, total=None, said=said)
        else:
            rest = "" if left != left else f", {_duration(left)} left"
            self.bar.update(self.task, completed=done, said=f"{done} of {total}{rest}")

    def working(self, text: str) -> Any:
        """A spinner for work without a count."""
        console = _console(stderr=True)
        return console.status(text) if not self.quiet and console.is_terminal else contextlib.nullcontext()


def _duration(seconds: float) -> str:
    whole = max(round(seconds), 0)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"
