"""The `adrl` command: run a stage or a whole study, check its results, say what is installed."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from adrl_core.calibrate.command import calibrate
from adrl_core.config import PROFILES, ConfigurationError, own_markets
from adrl_core.files import exclusive, write_text
from adrl_core.governance import commands, custody
from adrl_core.report import jobs
from adrl_core.report.stages import MANIFEST, MARKETS, ROOT, STAGES, VARIANTS, results_root, study_name


class OneLineErrors(TyperGroup):
    """Turns expected errors into one line and an exit code: 2 bad parameters, 1 failure, 130 Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except typer.Exit:
            raise  # the command has said all; Exit counts as a RuntimeError, which would be told below
        except ConfigurationError as error:
            message, code = str(error), 2
        except (OSError, RuntimeError, ValueError) as error:
            message, code = str(error), 1
        except KeyboardInterrupt:
            message, code = "interrupted; the same command takes it up where it stopped", 130
        typer.echo(f"adrl: {message}", err=True)
        raise typer.Exit(code)


app = typer.Typer(
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run reproducible studies of the three-agent bidding team, and check their results.",
)


def stop_with_parent() -> None:
    """End this process soon after the one that started it: a killed workflow leaves no job behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)  # The kernel watches this process in the same way.

    threading.Thread(target=watch, daemon=True).start()


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies: no workflow outlives its `adrl study`."""
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


Profile = Annotated[str, typer.Option(help=f"Sizes of the study: {', '.join(PROFILES)}.")]
Changes = Annotated[
    list[str],
    typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the study; may be repeated."),
]
Name = Annotated[str, typer.Option(help="Folder below results/; the profile's name if omitted.")]


@app.command()
def run(
    stage: Annotated[str, typer.Argument(help=f"One of {', '.join(STAGES)}.")],
    profile: Profile = "smoke",
    market: Annotated[str, typer.Option(help="Market, for the stages that have one.")] = MARKETS[0],
    variant: Annotated[str, typer.Option(help="Such as full+bidding.discount=0.")] = "full",
    name: Name = "",
    changes: Changes = [],  # noqa: B006  (Typer copies defaults)
    threads: Annotated[int, typer.Option(min=1, help="Threads for numerical libraries.")] = 1,
    follow_parent: Annotated[bool, typer.Option("--follow-parent", hidden=True)] = False,
) -> None:
    """Run one stage: execute its notebook and write its results and manifest."""
    if follow_parent:
        stop_with_parent()
    work = jobs.job(stage, profile, market, variant, name, jobs.parse_changes(changes))
    if work.lacking:
        raise ConfigurationError(f"{work.title}: {work.lacking}")
    from adrl_core.report import execute

    execute.run(work, threads)
    typer.echo(f"{work.title}: done")


@app.command()
def study(
    profile: Annotated[str, typer.Argument(help=f"One of {', '.join(PROFILES)}.")],
    cores: Annotated[int, typer.Option(min=1, help="Jobs to run at once.")] = len(os.sched_getaffinity(0)),
    markets: Annotated[str, typer.Option(help="Markets, separated by commas.")] = ",".join(MARKETS),
    variants: Annotated[
        str, typer.Option(help="Variants, separated by commas.", show_default="the profile's")
    ] = "",
    name: Name = "",
    changes: Changes = [],  # noqa: B006
    until: Annotated[str, typer.Option(help="Stop after this stage.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would run.")] = False,
    workflow_profile: Annotated[
        str, typer.Option(help="Snakemake profile to run elsewhere, such as workflow/slurm.")
    ] = "",
) -> None:
    """Run a study: every stage that is missing, damaged or stale, resuming what was interrupted."""
    from adrl_core.report import manifest

    chosen = jobs.parse_changes(changes)
    variants = variants or ",".join(VARIANTS.get(profile, ()))
    work = jobs.jobs(profile, tuple(markets.split(",")), tuple(variants.split(",")), name, chosen)
    if until and until not in STAGES:
        raise ConfigurationError(f"until = {until!r}: unknown; allowed: {', '.join(STAGES)}")
    if workflow_profile and not (Path(workflow_profile) / "config.yaml").exists():
        raise ConfigurationError(f"workflow_profile = {workflow_profile!r}: has no config.yaml")
    name = name or profile
    bidding = jobs.job("auctions", profile, name=name, changes=chosen)
    if bidding.lacking and set(MARKETS) <= set(markets.split(",")):
        typer.echo(f"note: {bidding.title}: left out, {bidding.lacking}", err=True)
    outdated = [str(job.directory / MANIFEST) for job in work if manifest.outdated(job)]
    # A tag of YAML, as Snakemake takes what it can for a number, such as the name NaN.
    config = {"profile": profile, "name": f"!!str {name}", "markets": markets, "variants": variants}
    config["set"] = ";".join(changes)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--rerun-incomplete", "--keep-going", "--nolock", "--rerun-triggers", "params"]
    command += ["--workflow-profile", workflow_profile or "none"]
    command += [] if workflow_profile else ["--cores", str(cores)]
    command += ["--dry-run"] if dry_run else ["--quiet", "rules", "host"]
    command += ["--until", until] if until else []
    command += ["--forcerun", *outdated] if outdated else []
    command += ["--config", *(f"{key}={value}" for key, value in config.items())]
    environment = os.environ | {"XDG_CACHE_HOME": str(ROOT / ".snakemake" / "cache")}
    # Our own lock, which a killed study cannot leave behind, stands in for Snakemake's.
    lock = results_root() / name / "study.partial"
    with nullcontext() if dry_run else exclusive(lock, patience=2):
        outcome = subprocess.run(command, env=environment, cwd=ROOT, preexec_fn=die_with_parent, check=False)
    if outcome.returncode:
        raise RuntimeError(f"study {name}: not finished; the same command takes it up again (logs: run.log)")


@app.command()
def check(
    profile: Annotated[str, typer.Argument(help="Folder of the study below results/.")] = "paper",
    book: Annotated[Path, typer.Option(help="Folder of the chapters.", show_default="book")] = ROOT / "book",
) -> None:
    """Prove results and prose: hashes, facts, the README, the numerals and assertions of the chapters."""
    from adrl_core.report import check, manifest

    problems = check.problems(study_name(profile), book)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    for notice in manifest.notices(profile):
        typer.echo(f"note: {notice}", err=True)
    typer.echo(f"{profile}: results are whole, current and match their facts, and the prose matches them")
    for line in check.counts(profile, book):
        typer.echo(line)


@app.command("diff")
def compare_results(
    a: Annotated[str, typer.Argument(metavar="A", help="Folder, study below results/, or REF[:STUDY].")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same, for the results to compare with A.")],
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write it as one self-contained page, too.")
    ] = None,
    fail_on_change: Annotated[
        bool, typer.Option("--fail-on-change", help="Exit with 1 if anything changed.")
    ] = False,
) -> None:
    """Compare two sets of results seed by seed, and say which differences exceed noise."""
    from adrl_core.report import diff, diff_view

    found = diff.diff(diff.load(a), diff.load(b))
    if page:
        write_text(page, diff_view.page(found))
    diff_view.show(found)
    if fail_on_change and found.changed:
        raise typer.Exit(1)


@app.command()
def resign(
    profile: Annotated[str, typer.Argument(help="Folder of the study below results/.")] = "paper",
    market: Annotated[str, typer.Option(help="Only this market.")] = "",
    variant: Annotated[str, typer.Option(help="Only this variant.")] = "",
    cores: Annotated[int, typer.Option(min=1, help="Small studies to run at once.")] = len(
        os.sched_getaffinity(0)
    ),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be replayed, and how.")
    ] = False,
) -> None:
    """Sign stale results anew after a change of code, where a replay finds that nothing else changed.

    Exact replays repeat what was recorded: the first episodes of a training, an evaluation. What cannot be
    repeated so runs in the smoke profile, by the code that made it and by the present code (twin replay).
    """
    from adrl_core.report import replay

    for line in replay.resign(study_name(profile), market, variant, cores=cores, dry_run=dry_run):
        typer.echo(line)


@app.command("weights")
def fetch_weights() -> None:
    """Fetch the weights of the local language model into the user's cache (1.1 GB)."""
    from adrl_core.commentary import weights

    typer.echo(weights.fetch())


for verb in (commands.approve, commands.kill, commands.resume, commands.rehearse):
    app.command()(verb)
app.add_typer(custody.trails, name="audit")
app.add_typer(custody.vaults, name="vault")
app.command()(calibrate)


@app.command("readme")
def write_readme() -> None:
    """Write the README's table of results from the committed facts."""
    from adrl_core.report import readme
    from adrl_core.report.facts import PROSE_PROFILE, FactStore

    readme.update(FactStore.load(results_root() / PROSE_PROFILE / "facts.json"))


@app.command()
def info() -> None:
    """Say what is installed, on which machine, which profiles exist and which results are present."""
    from adrl_core.report import manifest

    versions = {package: manifest.installed(package) for package in manifest.PACKAGES}
    typer.echo("versions   " + ", ".join(f"{package} {version}" for package, version in versions.items()))
    typer.echo("machine    " + ", ".join(f"{key} {value}" for key, value in manifest.hardware().items()))
    for profile, sizes in PROFILES.items():
        typer.echo(f"profile    {profile}: " + ", ".join(f"{key} {value}" for key, value in sizes.items()))
    for name in own_markets():
        typer.echo(f"market     {name}: a preset file")
    root = results_root()
    for folder in sorted(path for path in root.iterdir() if path.is_dir()) if root.exists() else ():
        typer.echo(f"results    {folder.name}: {len(manifest.manifests(folder.name))} stages")


if __name__ == "__main__":
    app()
