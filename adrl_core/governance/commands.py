"""The operational verbs of `adrl`: approve and rehearse a policy, throw and take back the kill switch."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adrl_core.config import PROFILES, ConfigurationError
from adrl_core.report import jobs

if TYPE_CHECKING:
    from adrl_core.agents.team import TeamLearner
    from adrl_core.governance.deployment import Moment

APPROVALS = Path("approvals.json")
SWITCH = Path("kill-switch.json")
TRAIL = Path("trail.jsonl")

Who = Annotated[str, typer.Option(help="Your name, which goes on record.")]
Note = Annotated[str, typer.Option(help="What it rests on, or why.")]
Approvals = Annotated[Path, typer.Option(metavar="FILE", help="File of approvals.")]
Switch = Annotated[Path, typer.Option(metavar="FILE", help="File of the kill switch.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Profile = Annotated[str, typer.Option(help=f"Sizes of the study: {', '.join(PROFILES)}.")]
Market = Annotated[str, typer.Option(help="Market that the team was trained on.")]
Variant = Annotated[str, typer.Option(help="Variant of the team.")]
Name = Annotated[str, typer.Option(help="Folder of the study below results/; the profile's name if omitted.")]
Vault = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Weights sealed by `adrl vault seal`, in place of the checkpoint."),
]

Run = Annotated[
    int | None, typer.Option(min=0, help="One training run by itself; all runs together if omitted.")
]


def training_of(profile: str, market: str, variant: str, name: str) -> jobs.Job:
    """The training of a team.

    Raises:
        ConfigurationError: unknown profile, market, variant or name.
    """
    return jobs.job("train", profile, market, variant, name)


def team_of(training: jobs.Job, vault: Path | None = None, run: int | None = None) -> "TeamLearner":
    """The teams that a training left, or those in a vault; that of one run alone, if it is given.

    Raises:
        ConfigurationError: there are none, they are not of this training, or there is no such run.
    """
    from adrl_core.governance.deployment import team_from_vault
    from adrl_core.governance.explanations import single_run
    from adrl_core.train import load_team

    assert training.study
    if vault:
        learner = team_from_vault(training.study, vault)
    else:
        learner = load_team(training.study, training.directory / "checkpoint.pt")
    if run is None:
        return learner
    if run >= len(learner.seeds):
        raise ConfigurationError(f"run = {run}: allowed are 0 to {len(learner.seeds) - 1}")
    return single_run(learner, run)


def named(who: str) -> str:
    """A name for the record.

    Raises:
        ConfigurationError: it is blank.
    """
    if not who.strip():
        raise ConfigurationError(f"who = {who!r}: a name is needed, as it goes on record")
    return who.strip()


def placed(field: str, file: Path) -> Path:
    """A file that may be written, in a folder that is there already.

    A folder is not made: an approval or a kill switch where no policy looks would only seem to work.

    Raises:
        ConfigurationError: no such folder, or the file is a folder itself.
    """
    file = file.absolute()
    if file.is_dir():
        raise ConfigurationError(f"{field} = {file}: a folder, not a file")
    if not file.parent.is_dir():
        raise ConfigurationError(f"{field} = {file}: there is no folder {file.parent}")
    return file


def approve(
    who: Who,
    profile: Profile = "paper",
    market: Market = "channels",
    variant: Variant = "tuned",
    name: Name = "",
    vault: Vault = None,
    run: Run = None,
    note: Note = "",
    approvals: Approvals = APPROVALS,
    dry_run: DryRun = False,
) -> None:
    """Approve a trained team for live use: your name, bound to the hash of its networks and settings."""
    from adrl_core.governance import operations, oversight

    who, approvals = named(who), placed("approvals", approvals)
    training = training_of(profile, market, variant, name)
    policy = oversight.team_hash(team_of(training, vault, run))
    team = training.title if run is None else f"{training.title}, run {run}"
    given = [approval for approval in oversight.approvals(approvals) if approval.policy_hash == policy]
    for earlier in given[-1:]:
        typer.echo(f"note: approved before, by {earlier.who} at {earlier.when:%Y-%m-%d %H:%M} UTC", err=True)
    if dry_run:
        typer.echo(f"would approve {team}, policy {policy}, by {who!r} in {approvals}")
        return
    operations.enter(approvals, "approve", who, note, policy=policy)
    oversight.approve(approvals, policy, who, note)
    typer.echo(f"{team}: policy {policy} approved by {who} in {approvals}")


def kill(who: Who, note: Note = "", switch: Switch = SWITCH, dry_run: DryRun = False) -> None:
    """Throw the kill switch: from the next decision on, the baseline acts in place of the policy."""
    from adrl_core.governance import operations, oversight

    who, switch = named(who), placed("switch", switch)
    if switch.exists():
        typer.echo(f"note: already thrown{_by(switch)}", err=True)
    if dry_run:
        typer.echo(f"would throw {switch} in the name of {who!r}")
        return
    # First the switch, then the record: nothing may keep a person from stopping a policy.
    oversight.kill(switch, who, note)
    typer.echo(f"{switch}: thrown by {who}; `adrl resume` takes it back")
    try:
        operations.enter(switch, "kill", who, note)
    except (OSError, ValueError) as error:
        typer.echo(f"note: thrown, but not on record in {operations.log_path(switch)}: {error}", err=True)


def resume(who: Who, note: Note = "", switch: Switch = SWITCH, dry_run: DryRun = False) -> None:
    """Take the kill switch back: the policy acts again at its next decision."""
    from adrl_core.governance import operations, oversight

    who, switch = named(who), placed("switch", switch)
    if not switch.exists():
        oversight.resume(switch)  # says why it cannot
    by, stop = _by(switch), operations.thrown(switch)
    if dry_run:
        typer.echo(f"would take {switch} back in the name of {who!r}; thrown{by}")
        return
    # First the record, then the switch: nothing goes on without somebody's name.
    operations.enter(switch, "resume", who, note, stop=stop.model_dump_json() if stop else "")
    oversight.resume(switch)
    typer.echo(f"{switch}: taken back by {who}; it was thrown{by}")


def _by(switch: Path) -> str:
    from adrl_core.governance import operations

    stop = operations.thrown(switch)
    if stop is None:
        return ", it does not say by whom"
    return f" by {stop.who} at {stop.when:%Y-%m-%d %H:%M} UTC" + (f" ({stop.note})" if stop.note else "")


def rehearse(
    profile: Profile = "paper",
    market: Market = "channels",
    variant: Variant = "tuned",
    name: Name = "",
    vault: Vault = None,
    run: Run = None,
    episodes: Annotated[int, typer.Option(min=1, help="Episodes to play.")] = 1,
    pause: Annotated[float, typer.Option(min=0.0, help="Seconds between two steps.")] = 0.0,
    baseline: Annotated[str, typer.Option(help="Policy that acts where a team may not.")] = "best_constant",
    trail: Annotated[Path, typer.Option(metavar="FILE", help="Audit trail, which is continued.")] = TRAIL,
    approvals: Approvals = APPROVALS,
    switch: Switch = SWITCH,
) -> None:
    """Let approved teams act in their simulated market, with every decision on record.

    They act through oversight, safety layer and audit trail, as a team in use would. The kill switch can be
    thrown from another terminal meanwhile; a pause leaves time for it.
    """
    from adrl_core.governance import deployment
    from adrl_core.governance.audit import Trail

    files = placed("approvals", approvals), placed("switch", switch)
    trail, training = placed("trail", trail), training_of(profile, market, variant, name)
    assert training.study
    study, learner = training.study, team_of(training, vault, run)
    other = deployment.named_baseline(study.market, baseline)
    bound = deployment.bound_of(other, study.market, study.evaluation_episodes)
    with Trail(trail) as opened:
        policy = deployment.governed(learner, study.market, other, bound, files, opened)
        moments = deployment.rehearsal(policy, study.market, episodes, pause)
        try:
            for line in told(moments, len(learner.seeds), baseline):
                typer.echo(line)
        except KeyboardInterrupt:
            typer.echo("interrupted; all decisions made are on record", err=True)
            raise typer.Exit(130) from None
        typer.echo(f"{trail}: {opened.records} records; `adrl audit verify` checks them")


def told(moments: Iterable["Moment"], teams: int, baseline: str) -> Iterator[str]:
    """Lines that say who acts, whenever that changes, and how each episode went."""
    from adrl_core.market.presets import STEPS

    live, acted, overridden, reward = -1, 0, 0, 0.0
    for moment in moments:
        if moment.live != live:
            live = moment.live
            others = f", the baseline {baseline} for {teams - live}" if live < teams else ""
            yield f"episode {moment.episode}, step {moment.step}: {live} of {teams} teams act{others}"
        acted, overridden, reward = acted + live, overridden + moment.overridden, reward + moment.reward
        if moment.step == STEPS - 1:
            yield (
                f"episode {moment.episode}: mean reward {reward:.1f}; of {teams * STEPS} decisions, {acted} "
                f"by the team, {overridden} overridden"
            )
            acted, overridden, reward = 0, 0, 0.0
