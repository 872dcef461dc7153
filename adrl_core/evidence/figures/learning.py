"""Figures of the training: curves, modes, losses, sample efficiency, before and after."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from adrl_core.config import ABLATIONS, TEAMS
from adrl_core.evidence.ablation import episodes_to, threshold
from adrl_core.evidence.figures.style import (
    DASHES,
    GREY,
    INTERVAL,
    PALETTE,
    Drawn,
    draw_band,
    label,
    new_figure,
    running_means,
)
from adrl_core.evidence.published import claims
from adrl_core.evidence.training import HEADLINE

Training = Mapping[str, pd.DataFrame]
"""Variant -> training log, a row a run and episode."""
MODES = {"share_bidding_only": "bidding only", "share_budget_only": "budget only", "share_both": "both"}


def learning_curves(market: str, training: Training, reference: pd.DataFrame) -> Drawn:
    """Training reward of the teams, smoothed, with the reference policies as lines."""
    figure, (axes,) = new_figure(1, width=7.2, height=4.2)
    for colour, (variant, frame) in zip(PALETTE, training.items(), strict=False):
        draw_band(axes, running_means(frame, "reward"), colour, label(variant))
    _levels(axes, reference)
    axes.set(xlabel="training episode", ylabel="reward of the episode")
    axes.legend(loc="lower right")
    return (
        figure,
        f"Learning curves on {market}",
        f"Reward while training on `{market}`: mean over {{fact}}`study.seeds` runs (line) and its "
        f"{INTERVAL} "
        "(band), each run smoothed by a running mean over {fact}`study.smoothing` episodes. Dashed: "
        "reference "
        "policies on the held-out episodes. Training episodes include exploration, which the evaluation does "
        "without.",
        f"Line chart of reward against training episode on the {market} market, one line with a band for "
        "each team configuration and a dashed level for each reference policy.",
    )


def _levels(axes: Axes, reference: pd.DataFrame) -> None:
    """A dashed line at each policy's mean; levels that nearly coincide share one label."""
    levels = reference.groupby("policy", sort=False)["reward"].mean().sort_values()
    low, high = axes.get_ylim()
    bottom = min(low, 0.0)
    span = max(high, float(levels.max()) * 1.04) - bottom
    groups: list[tuple[float, list[str]]] = []
    for policy, level in levels.items():
        axes.axhline(level, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        if groups and level - groups[-1][0] < 0.045 * span:
            groups[-1][1].append(label(str(policy)))
        else:
            groups.append((float(level), [label(str(policy))]))
    for level, names in groups:
        axes.annotate(
            ", ".join(names),
            (1.01, level),
            xycoords=("axes fraction", "data"),
            fontsize=8,
            va="center",
            color="#444444",
        )
    axes.set_ylim(bottom, bottom + span)


def ablation_curves(market: str, training: Training) -> Drawn:
    """Training reward of every ablation beside the whole team, a panel each."""
    ablated = [variant for variant in ABLATIONS if variant in training]
    rows = max(1, -(-len(ablated) // 4))
    figure, panels = new_figure(max(1, len(ablated)), width=8.2, height=2.1 * rows + 0.3, rows=rows)
    whole = running_means(training["full"], "reward")
    for panel, variant in zip(panels, ablated, strict=False):
        draw_band(panel, whole, GREY, label("full"), "--")
        draw_band(panel, running_means(training[variant], "reward"), PALETTE[0], "without the part")
        panel.set_title(label(variant), fontsize=9.5)
    for panel in panels[len(ablated) :]:
        panel.set_axis_off()
    for panel in panels:
        panel.sharey(panels[0])
    figure.supxlabel("training episode", fontsize=9.5)
    figure.supylabel("reward of the episode", fontsize=9.5)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2, fontsize=8.5)
    return (
        figure,
        f"Learning curves of the ablations on {market}",
        f"Reward while training on `{market}` without one part (solid), and with all of them (dashed, the "
        "same in "
        f"every panel): mean over {{fact}}`study.seeds` runs and its {INTERVAL}, each run smoothed by a "
        "running "
        "mean over {fact}`study.smoothing` episodes.",
        f"Small line charts of reward against training episode on the {market} market, one panel for each "
        "ablated "
        "part, with the whole team's curve for comparison.",
    )


def mode_curves(market: str, training: Training) -> Drawn:
    """Share of steps in each Controller mode over the training, a panel a variant."""
    figure, panels = new_figure(max(1, len(training)), width=7.2, height=2.9)
    for panel, (variant, frame) in zip(panels, training.items(), strict=False):
        for colour, dashes, (column, name) in zip(PALETTE, DASHES, MODES.items(), strict=False):
            draw_band(panel, running_means(frame, column), colour, name, dashes)
        panel.set(title=label(variant), xlabel="training episode", ylim=(0, 1))
    after = float(str(claims().loc["C212", "published"])) / 100.0
    panels[0].axhline(after, color=PALETTE[2], linewidth=0.9, linestyle=(0, (1, 2)))
    panels[0].annotate(
        "both, as published", (0.02, after - 0.06), xycoords=("axes fraction", "data"), fontsize=8
    )
    panels[0].set_ylabel("share of steps")
    panels[-1].legend(loc="best")
    return (
        figure,
        f"Whom the Controller asks on {market}",
        f"Share of steps in each mode while training on `{market}`: mean over {{fact}}`study.seeds` runs "
        f"with {INTERVAL}. Dotted: the share of joint decisions after training that the published report "
        "prints, {fact}`claim.C212` %; before training it prints {fact}`claim.C213` % for the Budget agent "
        "alone.",
        f"Line charts of the shares of the three Controller modes against training episode on the {market} "
        "market, one panel for each team configuration.",
    )


def update_curves(market: str, updates: Training, training: Training) -> Drawn:
    """Losses, entropies and exploration over the training, a line a team."""
    figure, panels = new_figure(6, width=8.2, height=4.6, rows=2)
    wanted = (
        ("bidding", "td_loss", "TD loss, Bidding agent"),
        ("controller", "value_loss", "value loss, Controller"),
        ("controller", "policy_loss", "policy loss, Controller"),
        ("controller", "entropy", "entropy, Controller (nats)"),
        ("budget", "entropy", "entropy, Budget agent (nats)"),
    )
    for panel, (agent, column, title) in zip(panels, wanted, strict=False):
        for colour, dashes, (variant, frame) in zip(PALETTE, DASHES, updates.items(), strict=False):
            rows = frame[frame["agent"] == agent]
            if len(rows):
                draw_band(panel, running_means(rows, column), colour, label(variant), dashes)
        panel.set_title(title, fontsize=9.5)
        if column in ("td_loss", "value_loss"):
            panel.set_yscale("log")
    for colour, dashes, (variant, frame) in zip(PALETTE, DASHES, training.items(), strict=False):
        epsilon = frame[frame["seed"] == frame["seed"].min()]
        panels[5].plot(
            epsilon["episode"], epsilon["epsilon"], color=colour, linestyle=dashes, label=label(variant)
        )
    panels[5].set_title("exploration rate, Bidding agent", fontsize=9.5)
    panels[5].legend(loc="upper right", fontsize=8)
    figure.supxlabel("training episode", fontsize=9.5)
    return (
        figure,
        f"Losses, entropies and exploration on {market}",
        f"What the learners report while training on `{market}`: mean over {{fact}}`study.seeds` runs with "
        f"{INTERVAL}, smoothed over {{fact}}`study.smoothing` episodes. Losses are means over an episode's "
        "updates; those of the tuned team are in its own, scaled units of reward. The Budget agent's entropy "
        "is taken over the runs in which it was asked of late.",
        f"Six line charts against training episode on the {market} market: losses, entropies and the "
        "exploration "
        "rate, one line for each team configuration.",
    )


def efficiency_curves(market: str, training: Training, reference: pd.DataFrame) -> Drawn:
    """Share of runs that have reached the threshold, against the episode, for every variant."""
    figure, (axes,) = new_figure(1, width=7.2, height=3.6)
    level = threshold(reference)
    for i, (variant, frame) in enumerate(training.items()):
        found = episodes_to(frame, level)
        count = frame["episode"].nunique()
        order = np.sort(found.episodes[found.reached])
        share = np.arange(1, len(order) + 1) / len(found.episodes)
        x = np.concatenate(([0], order, [count]))
        y = np.concatenate(([0.0], share, share[-1:] if len(share) else [0.0]))
        axes.step(
            x,
            y,
            where="post",
            color=PALETTE[i % len(PALETTE)],
            linestyle=DASHES[i % len(DASHES)],
            linewidth=2.0 if variant in TEAMS else 1.1,
            label=label(variant),
        )
    axes.set(xlabel="training episode", ylabel="share of runs at the threshold", ylim=(0, 1.02))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    return (
        figure,
        f"Sample efficiency on {market}",
        f"Share of the {{fact}}`study.seeds` runs whose reward, averaged over "
        f"{{fact}}`study.threshold_window` "
        f"training episodes, has reached {{fact}}`{market}.threshold.reward`, "
        "{fact}`study.threshold_share` of what the best constant policy earns. A curve that ends below one "
        "belongs to runs that the end of the training cut off (censored).",
        f"Step chart of the share of runs that have reached the threshold reward on the {market} market, "
        "against "
        "training episode, one line for each variant.",
    )


def before_and_after(market: str, frame: pd.DataFrame) -> Drawn:
    """Every run's reward in its first episode and after ten, and over the whole training for scale."""
    figure, (pairs, scale) = new_figure(2, width=7.2, height=3.2)
    table = frame.pivot(index="episode", columns="seed", values="reward")
    both = table.loc[[0, HEADLINE]].to_numpy()
    pairs.plot([0, 1], both, color=GREY, linewidth=0.8, marker="o", markersize=3)
    pairs.plot([0, 1], both.mean(1), color=PALETTE[1], linewidth=2.4, marker="o", label="mean")
    pairs.set(xticks=[0, 1], xticklabels=["first episode", "episode ten"], ylabel="reward", xlim=(-0.3, 1.3))
    pairs.legend(loc="best")
    draw_band(scale, running_means(frame, "reward"), PALETTE[0], label("full"))
    scale.axvline(HEADLINE, color=PALETTE[1], linewidth=1.2, linestyle="--")
    scale.set(xlabel="training episode", title="the whole training")
    return (
        figure,
        f"Before and after ten episodes on {market}",
        f"Left: reward of each of the {{fact}}`study.seeds` runs with the published settings on `{market}` "
        "in its "
        "first training episode and after {fact}`claim.C143` more, as in the published headline. Right: the "
        "same "
        f"runs over the whole training, mean with {INTERVAL}; the dashed line marks where the left panel "
        "ends.",
        f"Left, a line for each run from its first training episode to the one after ten on the {market} "
        "market, and a thick line for their mean; right, the learning curve of the whole training.",
    )
