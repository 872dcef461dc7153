"""The operational verbs of `adrl`: approve a policy, throw and take back the kill switch, verify a trail."""

from pathlib import Path
from typing import Annotated

import typer

from adrl_core.config import PROFILES, ConfigurationError
from adrl_core.report import stages

APPROVALS = Path("approvals.json")
SWITCH = Path("kill-switch.json")

Who = Annotated[str, typer.Option(help="Your name, which goes on record.")]
Note = Annotated[str, typer.Option(help="What it rests on, or why.")]
Approvals = Annotated[Path, typer.Option(metavar="FILE", help="File of approvals.")]
Switch = Annotated[Path, typer.Option(metavar="FILE", help="File of the kill switch.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def approve(
    who: Who,
    profile: Annotated[str, typer.Option(help=f"Sizes of the study: {', '.join(PROFILES)}.")] = "paper",
    market: Annotated[str, typer.Option(help="Market that the team was trained on.")] = "channels",
    variant: Annotated[str, typer.Option(help="Variant of the team.")] = "tuned",
    note: Note = "",
    approvals: Approvals = APPROVALS,
    dry_run: DryRun = False,
) -> None:
    """Approve a trained team for live use: your name, bound to the hash of its networks and settings."""
    from adrl_core.governance import oversight
    from adrl_core.train import load_team

    training = stages.job("train", profile, market, variant)
    assert training.study
    policy = oversight.team_hash(load_team(training.study, training.directory / "checkpoint.pt"))
    if dry_run:
        typer.echo(f"would approve {training.title}, policy {policy}, by {who!r} in {approvals}")
        return
    oversight.approve(approvals, policy, who, note)
    typer.echo(f"{training.title}: policy {policy} approved by {who} in {approvals}")


def kill(who: Who, note: Note = "", switch: Switch = SWITCH, dry_run: DryRun = False) -> None:
    """Throw the kill switch: from the next decision on, the baseline acts in place of the policy."""
    from adrl_core.governance import oversight

    if dry_run:
        typer.echo(f"would throw {switch} in the name of {who!r}")
        return
    oversight.kill(switch, who, note)
    typer.echo(f"{switch}: thrown by {who}; `adrl resume` takes it back")


def resume(switch: Switch = SWITCH, dry_run: DryRun = False) -> None:
    """Take the kill switch back: the policy acts again at its next decision."""
    from adrl_core.governance import oversight

    if dry_run and switch.exists():
        typer.echo(f"would take {switch} back")
        return
    oversight.resume(switch)
    typer.echo(f"{switch}: taken back")


trail = typer.Typer(no_args_is_help=True, help="The record of every decision.")


@trail.command()
def verify(
    path: Annotated[Path, typer.Argument(metavar="TRAIL", help="File of the audit trail.")],
    anchor: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A copy of its anchor, kept out of reach.")
    ] = None,
) -> None:
    """Find any record that was edited, removed, reordered or cut off."""
    from adrl_core.governance import audit

    for name, file in (("TRAIL", path), ("anchor", anchor)):
        if file and not file.exists():
            raise ConfigurationError(f"{name} = {file}: not found")
    try:
        kept = audit.Anchor.model_validate_json(anchor.read_bytes()) if anchor else None
    except ValueError:
        raise ConfigurationError(f"anchor = {anchor}: damaged, or no anchor") from None
    report = audit.verify(path, kept)
    for problem in report.problems:
        typer.echo(f"record {problem.record}: {problem.kind}: {problem.detail}")
    if report.problems:
        raise typer.Exit(1)
    typer.echo(f"{path}: {report.end.records} records, none edited, removed, reordered or cut off")
    if report.unanchored:
        typer.echo(
            f"note: {report.unanchored} records after the last anchor could go missing unseen", err=True
        )
