"""Human oversight: approvals bound to a policy's hash, a kill switch, a bound that stops what degrades."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError
from torch import Tensor

from adrl_core.agents.policy import Action, Policy
from adrl_core.agents.team import TeamLearner
from adrl_core.config import ConfigurationError, Frozen, validate
from adrl_core.files import exclusive, write_text
from adrl_core.governance.sequential import BettingTest, PerformanceBound
from adrl_core.market import Market, Step
from adrl_core.market.presets import STEPS

PATIENCE = 10.0
"""Seconds to wait for another process that writes the same approvals."""
PERFORMANCE_BOUND = "performance bound"
"""Who threw the kill switch when no person did."""


class NotApprovedError(RuntimeError):
    """A policy was about to go live without an approval of its hash."""


class Approval(Frozen):
    """A person's word that a policy may go live."""

    policy_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """What was approved: `policy_hash`, in hex."""
    who: Annotated[str, Field(min_length=1)]
    """Name of the person."""
    when: AwareDatetime
    """Time of the approval."""
    note: str = ""
    """What it rests on."""


class Stop(Frozen):
    """What a thrown kill switch says."""

    who: Annotated[str, Field(min_length=1)]
    """Who threw it."""
    when: AwareDatetime
    """When."""
    note: str = ""
    """Why."""


_APPROVALS = TypeAdapter(tuple[Approval, ...])


def policy_hash(networks: Mapping[str, Mapping[str, Tensor]], settings: Mapping[str, Any]) -> str:
    """SHA-256, in hex, over the settings and all tensors by order of name: name, type, shape and bytes."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for agent, tensors in sorted(networks.items()):
        for name, tensor in sorted(tensors.items()):
            digest.update(f"\n{agent}.{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def team_hash(learner: TeamLearner) -> str:
    """The hash of a trained team: its networks, and the settings that its greedy actions depend on."""
    config = learner.config
    return policy_hash(learner.networks(), {"ask": config.ask, "roi_scale": config.roi_scale})


def approvals(path: Path) -> tuple[Approval, ...]:
    """All approvals on file, oldest first; none if there is no file.

    Raises:
        ConfigurationError: the file is damaged.
    """
    if not path.exists():
        return ()
    try:
        return _APPROVALS.validate_json(path.read_bytes())
    except ValidationError as error:
        raise ConfigurationError(f"approvals = {path}: damaged ({error.errors()[0]['msg']})") from None


def approve(path: Path, policy_hash: str, who: str, note: str = "") -> Approval:
    """Put an approval on file.

    Raises:
        ConfigurationError: no such hash, no name, or a damaged file.
    """
    fields = {"policy_hash": policy_hash, "who": who, "when": datetime.now(UTC), "note": note}
    approval = validate(Approval, fields)
    with exclusive(path.with_name(f"{path.name}.lock"), PATIENCE):
        content = _APPROVALS.dump_json((*approvals(path), approval), indent=2)
        write_text(path, content.decode() + "\n")
    return approval


def kill(switch: Path, who: str, note: str = "") -> Stop:
    """Throw the kill switch: all policies that watch this file revert to their baseline at the next decision.

    Raises:
        ConfigurationError: no name.
    """
    stop = validate(Stop, {"who": who, "when": datetime.now(UTC), "note": note})
    write_text(switch, stop.model_dump_json(indent=2) + "\n")
    return stop


def resume(switch: Path) -> None:
    """Take the kill switch back; policies go live again at their next decision.

    Raises:
        ConfigurationError: it is not thrown.
    """
    try:
        switch.unlink()
    except FileNotFoundError:
        raise ConfigurationError(f"kill switch = {switch}: not thrown; nothing to resume") from None


class Supervised:
    """A policy that is live only while people and its performance let it be; otherwise its baseline acts.

    It starts only with an approval of its hash, which is taken anew at every start. At every decision it
    looks for the kill switch; that the file is there is enough, whatever it says. After every episode that
    the policy played whole, the sequential test decides whether it degrades; a row where it does is shut down
    from the next decision on, for as long as this object lives. Once no row is left, the kill switch is
    thrown, so that a restart does not bring the policy back before a person resumes it.

    An approval may run out: after `review_every` episodes the baseline acts, until a person has looked again
    and put a new approval on file. Episodes are counted as long as this object lives.

    Rows are independent deployments, and `reset` starts the next episode of each.

    Args:
        policy: to be supervised.
        baseline: acts where the policy is not live; it sees every step, so that it can take over at any time.
        fingerprint: the policy's hash as it is now, such as `lambda: team_hash(learner)`.
        approvals: file of approvals.
        switch: file of the kill switch.
        bound: when the policy has degraded; never, if omitted.
        review_every: episodes for which an approval lasts; for good, if omitted.

    After each `act`, `live` (rows,) says where the policy acted. `stopped_after` (rows,) is the number of
    episodes after which the test shut the policy down, or 0.
    """

    def __init__(
        self,
        policy: Policy,
        baseline: Policy,
        fingerprint: Callable[[], str],
        approvals: Path,
        switch: Path,
        bound: PerformanceBound | None = None,
        review_every: int | None = None,
    ) -> None:
        self.policy, self.baseline, self.name = policy, baseline, policy.name
        self.fingerprint, self.approvals, self.switch, self.bound = fingerprint, approvals, switch, bound
        self.review_every = review_every
        self.approval: Approval | None = None
        self.episode = self.reviewed = 0

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to.

        Raises:
            NotApprovedError: no approval of the policy's hash is on file.
            ValueError: the number of deployments has changed.
        """
        self.policy_hash = self.fingerprint()
        given = [a for a in approvals(self.approvals) if a.policy_hash == self.policy_hash]
        if not given:
            raise NotApprovedError(
                f"policy {self.name}: no approval of {self.policy_hash} in {self.approvals}"
            )
        if given[-1] != self.approval:
            self.approval, self.reviewed = given[-1], self.episode
        age = self.episode - self.reviewed
        self.review_due = self.review_every is not None and age >= self.review_every
        if self.episode == 0:
            self.stopped_after = torch.zeros(market.rows, dtype=torch.int64, device=market.device)
            self.test = BettingTest(self.bound, market.rows) if self.bound else None
        if len(self.stopped_after) != market.rows:
            raise ValueError(f"rows = {market.rows}: this supervision began with {len(self.stopped_after)}")
        self.policy.reset(market)
        self.baseline.reset(market)
        self.episode += 1
        self.t = 0
        self.rewards = torch.zeros(market.rows, dtype=torch.float64, device=market.device)
        self.played_whole = torch.ones_like(self.rewards, dtype=torch.bool)

    def act(self, state: Tensor) -> Action:
        """The policy's actions where it is live, and the baseline's elsewhere."""
        self.live = (self.stopped_after == 0) & (not self.review_due and not self.switch.exists())
        self.played_whole &= self.live
        if bool(self.live.all()):
            return self.policy.act(state)
        if not bool(self.live.any()):
            return self.baseline.act(state)
        own, other = self.policy.act(state), self.baseline.act(state)
        asked = [torch.zeros_like(a.bid) if a.asked is None else a.asked for a in (own, other)]
        return Action(
            torch.where(self.live, own.bid, other.bid),
            torch.where(self.live[:, None], own.allocation, other.allocation),
            torch.where(self.live, asked[0], asked[1]),
        )

    def observe(self, step: Step) -> None:
        """See what the last action brought; after the last step of an episode, judge it."""
        self.policy.observe(step)
        self.baseline.observe(step)
        self.rewards += step.shaped
        self.t += 1
        if self.t == STEPS and self.test:
            self._judge(self.test.update(self.rewards, self.played_whole).to(self.rewards.device))

    def _judge(self, degraded: Tensor) -> None:
        self.stopped_after[degraded] = self.episode
        if bool(degraded.any()) and bool((self.stopped_after > 0).all()):
            kill(self.switch, PERFORMANCE_BOUND, f"degraded after {self.episode} episodes")
