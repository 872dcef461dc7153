"""The verbs of `adrl audit` and `adrl vault`: find tampering in a trail; keep weights in a sealed file."""

import os
import stat
from pathlib import Path
from typing import Annotated

import typer

from adrl_core.config import ConfigurationError
from adrl_core.governance.commands import (
    DryRun,
    Market,
    Name,
    Profile,
    Run,
    Variant,
    placed,
    team_of,
    training_of,
)

LISTED = 10
"""Most problems that are listed one by one."""
MESSAGE = 200
"""Most letters of what is wrong with a record."""

trails = typer.Typer(no_args_is_help=True, help="The record of every decision.")
vaults = typer.Typer(
    no_args_is_help=True, help="Weights in a file that cannot run code, encrypted on demand."
)


@trails.command()
def verify(
    path: Annotated[Path, typer.Argument(metavar="TRAIL", help="File of the audit trail.")],
    anchor: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A copy of its anchor, kept out of reach.")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Also hold each record against the schema of a decision.")
    ] = False,
) -> None:
    """Find any record that was edited, removed, reordered or cut off."""
    from adrl_core.governance import audit

    for field, file in (("TRAIL", path), ("anchor", anchor)):
        if file and not file.is_file():
            raise ConfigurationError(f"{field} = {file}: {'a folder' if file.is_dir() else 'not found'}")
    try:
        kept = audit.Anchor.model_validate_json(anchor.read_bytes()) if anchor else None
    except ValueError:
        raise ConfigurationError(f"anchor = {anchor}: damaged, or no anchor") from None
    report = audit.verify(path, kept)
    _tell([f"record {problem.record}: {problem.kind}: {problem.detail}" for problem in report.problems])
    typer.echo(f"{path}: {report.end.records} records, none edited, removed, reordered or cut off")
    if report.unanchored:
        typer.echo(
            f"note: {report.unanchored} records after the last anchor could go missing unseen", err=True
        )
    if schema:
        _tell(_unforeseen(path))
        typer.echo(f"{path}: every record holds what a decision may hold, and no more")


def _tell(problems: list[str]) -> None:
    """List problems, and end with 1 if there are any."""
    for problem in problems[:LISTED]:
        typer.echo(problem)
    if len(problems) > LISTED:
        typer.echo(f"and {len(problems) - LISTED} more")
    if problems:
        raise typer.Exit(1)


def _unforeseen(path: Path) -> list[str]:
    """Records of decisions that hold more or less than the schema foresees."""
    from adrl_core.governance import audit
    from adrl_core.governance.minimisation import minimal

    found = []
    for number, record in enumerate(audit.read(path)):
        if record.keys() == {"recovered_bytes"}:
            continue  # the note of a crash
        try:
            minimal(record)
        except ConfigurationError as error:
            first = str(error).partition("; ")[0]
            found.append(f"record {number}: unforeseen: {first[:MESSAGE]}")
    return found


@vaults.command()
def key() -> None:
    """Print a fresh key, to be put into the environment variable ADRL_VAULT_KEY."""
    from adrl_core.governance import vault

    typer.echo(vault.new_key())


@vaults.command()
def seal(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The vault to be written.")],
    profile: Profile = "paper",
    market: Market = "channels",
    variant: Variant = "tuned",
    name: Name = "",
    run: Run = None,
    dry_run: DryRun = False,
) -> None:
    """Write a trained team's weights to a vault for its owner's eyes only, encrypted if there is a key."""
    from adrl_core.governance import vault

    file, training = placed("vault", file), training_of(profile, market, variant, name)
    learner = team_of(training, run=run)
    keyed = bool(os.environ.get(vault.KEY_VARIABLE))
    how = f"encrypted with the key in {vault.KEY_VARIABLE}" if keyed else "not encrypted"
    if dry_run:
        typer.echo(f"would write the weights of {training.title} to {file}, {how}")
        return
    vault.save(file, learner.networks())
    typer.echo(f"{file}: weights of {training.title}, {how}; readable by their owner only")


@vaults.command("verify")
def verify_vault(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The vault.")],
    profile: Profile = "paper",
    market: Market = "channels",
    variant: Variant = "tuned",
    name: Name = "",
) -> None:
    """Open a vault, and print the hash of its team, which is what approvals are bound to."""
    from adrl_core.governance.oversight import team_hash
    from adrl_core.governance.vault import OWNER_ONLY

    learner = team_of(training_of(profile, market, variant, name), file)
    typer.echo(f"{file}: whole; {len(learner.seeds)} training runs, policy {team_hash(learner)}")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & ~OWNER_ONLY:
        typer.echo(f"note: others can read or change it too (mode {mode:o})", err=True)
