"""The book's diagrams, drawn by code: boxes on a grid and arrows between them."""

import io
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

INK = "#22313f"
FILLS = {"world": "#dfeaf4", "agent": "#fdebd0", "data": "#e3f1e5", "page": "#eee6f4", "plain": "#ffffff"}
"""Colour-blind-safe pastels, all with dark ink on them."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A labelled box; (x, y) is its centre, lengths are in inches of the drawing."""

    x: float
    y: float
    title: str
    text: str = ""
    kind: str = "plain"
    width: float = 2.0
    height: float = 0.8

    def side(self, name: str, shift: float = 0.0) -> Point:
        """The middle of a side (left, right, top, bottom), shifted along it."""
        dx, dy = {"left": (-1, 0), "right": (1, 0), "top": (0, 1), "bottom": (0, -1)}[name]
        return (
            self.x + dx * self.width / 2 + abs(dy) * shift,
            self.y + dy * self.height / 2 + abs(dx) * shift,
        )

    def draw(self, axes: Axes) -> None:
        """Draw frame, title and text."""
        axes.add_patch(
            FancyBboxPatch(
                (self.x - self.width / 2, self.y - self.height / 2),
                self.width,
                self.height,
                boxstyle="round,pad=0,rounding_size=0.08",
                facecolor=FILLS[self.kind],
                edgecolor=INK,
                linewidth=1.1,
            )
        )
        lines = self.text.count("\n") + 1 if self.text else 0
        axes.text(
            self.x,
            self.y + 0.095 * lines,
            self.title,
            ha="center",
            va="center",
            weight="bold",
            size=10,
            color=INK,
        )
        if self.text:
            axes.text(
                self.x,
                self.y - 0.13,
                self.text,
                ha="center",
                va="center",
                size=8.5,
                color=INK,
                linespacing=1.25,
            )


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty drawing in inches."""
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.axis("off")
    return figure, axes


def arrow(
    axes: Axes, start: Point, end: Point, label: str = "", at: Point = (0, 0.12), bend: float = 0.0
) -> None:
    """An arrow; `at` places the label relative to the middle, `bend` curves the arrow."""
    style = f"arc3,rad={bend}"
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=11,
            connectionstyle=style,
            shrinkA=0,
            shrinkB=1,
            color=INK,
            lw=1.1,
        )
    )
    if label:
        middle = ((start[0] + end[0]) / 2 + at[0], (start[1] + end[1]) / 2 + at[1])
        axes.text(*middle, label, ha="center", va="center", size=8.5, color=INK, linespacing=1.2)


def elbow(axes: Axes, points: list[Point]) -> None:
    """An arrow along straight pieces."""
    xs, ys = zip(*points[:-1], strict=True)
    axes.plot(xs, ys, color=INK, linewidth=1.1, solid_joinstyle="round")
    arrow(axes, points[-2], points[-1])


def frame(axes: Axes, left: float, bottom: float, width: float, height: float, title: str) -> None:
    """A dashed frame round a group of boxes, with its name in the upper left corner."""
    axes.add_patch(
        Rectangle(
            (left, bottom), width, height, fill=False, edgecolor=INK, linewidth=0.9, linestyle=(0, (4, 3))
        )
    )
    axes.text(
        left + 0.1, bottom + height - 0.17, title, ha="left", va="center", size=9, style="italic", color=INK
    )


def architecture() -> Figure:
    """Who acts: the Controller asks the two specialists, the market answers with one shared reward."""
    figure, axes = canvas(8.6, 4.2)
    frame(axes, 2.55, 0.65, 3.5, 3.45, "team")
    market = Box(1.1, 2.2, "Market", "impressions, clicks,\nconversions, spend", "world", 1.7, 1.1)
    controller = Box(4.3, 3.4, "Controller", "PPO: whom to ask", "agent", 2.6, 0.75)
    bidding = Box(3.5, 1.95, "Bidding", "dueling double\nDQN: bid level", "agent", 1.5, 1.0)
    budget = Box(5.1, 1.95, "Budget", "PPO: shares\nof the budget", "agent", 1.5, 1.0)
    defaults = Box(4.3, 1.0, "Who is not asked", "default bid, equal shares", "plain", 3.1, 0.52)
    action = Box(7.45, 2.2, "Action", "bid, allocation", "data", 1.7, 0.8)
    for box in (market, controller, bidding, budget, defaults, action):
        box.draw(axes)
    elbow(axes, [market.side("top"), (market.x, controller.y), controller.side("left")])
    axes.text(1.85, controller.y + 0.14, "state", ha="center", va="center", size=8.5, color=INK)
    arrow(axes, controller.side("bottom", -0.8), bidding.side("top"), "ask", (-0.25, 0))
    arrow(axes, controller.side("bottom", 0.8), budget.side("top"), "ask", (0.25, 0))
    arrow(axes, (6.05, 2.2), action.side("left"))
    elbow(axes, [action.side("bottom"), (action.x, 0.35), (market.x, 0.35), market.side("bottom")])
    axes.text(4.3, 0.2, "one step of the episode", ha="center", va="center", size=8.5, color=INK)
    arrow(axes, market.side("right"), (2.55, 2.2), "shared\nreward", (0, 0.25))
    return figure


def data_flow() -> Figure:
    """One training step: what is computed, who stores it, and when the networks learn."""
    figure, axes = canvas(8.6, 3.9)
    state = Box(1.05, 3.3, "State", "what the team sees", "world", 1.6, 0.75)
    mode = Box(3.2, 3.3, "Mode", "bidding, budget\nor both", "agent", 1.7, 0.85)
    joint = Box(5.4, 3.3, "Joint action", "asked agents act,\nothers default", "agent", 1.8, 0.85)
    step = Box(7.55, 3.3, "Market step", "reward, next state", "world", 1.8, 0.75)
    rollout = Box(2.6, 1.75, "Rollouts", "Controller: every step\nBudget: when asked", "data", 2.2, 0.85)
    replay = Box(6.2, 1.75, "Prioritised replay", "Bidding: when asked", "data", 2.2, 0.75)
    ppo = Box(
        2.6, 0.5, "PPO update", "advantages over the full\ntimeline, clipped surrogate", "agent", 2.5, 0.85
    )
    ddqn = Box(6.2, 0.5, "Double DQN update", "weighted by importance,\ntarget network", "agent", 2.5, 0.85)
    for box in (state, mode, joint, step, rollout, replay, ppo, ddqn):
        box.draw(axes)
    arrow(axes, state.side("right"), mode.side("left"))
    arrow(axes, mode.side("right"), joint.side("left"))
    arrow(axes, joint.side("right"), step.side("left"))
    arrow(axes, joint.side("bottom", -0.3), rollout.side("top"), "store", (-0.3, 0.12))
    arrow(axes, joint.side("bottom", 0.3), replay.side("top"), "store", (0.35, 0.05))
    arrow(axes, rollout.side("bottom"), ppo.side("top"), "after each episode", (0.75, 0))
    arrow(axes, replay.side("bottom"), ddqn.side("top"), "after each episode", (0.75, 0))
    return figure


def pipeline() -> Figure:
    """From a configuration to a sentence: stages, the files they leave, and the page that quotes them."""
    figure, axes = canvas(8.6, 3.3)
    study = Box(0.85, 1.65, "Study", "configuration,\nvalidated", "plain", 1.5, 0.85)
    train = Box(2.75, 2.75, "train", "episodes, updates", "agent", 1.7, 0.7)
    evaluate = Box(5.35, 2.75, "evaluate, try", "held-out episodes,\ngovernance", "agent", 1.8, 0.82)
    market = Box(2.75, 1.65, "market", "checks", "world", 1.7, 0.7)
    baselines = Box(2.75, 0.55, "baselines", "same episodes", "world", 1.7, 0.7)
    summary = Box(5.35, 1.35, "summary", "facts, figures", "data", 1.7, 0.8)
    commentary = Box(5.35, 0.4, "commentary", "findings in words", "data", 1.7, 0.66)
    book = Box(7.6, 1.65, "Book", "each number linked\nto its run", "page", 1.8, 0.9)
    for box in (study, train, evaluate, market, baselines, summary, commentary, book):
        box.draw(axes)
    for stage in (train, market, baselines):
        arrow(axes, study.side("right"), stage.side("left"))
    arrow(axes, train.side("right"), evaluate.side("left"), "checkpoint", (0, 0.15))
    arrow(axes, evaluate.side("bottom"), summary.side("top"))
    arrow(axes, baselines.side("right"), summary.side("left", -0.2))
    arrow(axes, market.side("right"), summary.side("left", 0.2))
    arrow(axes, summary.side("right"), book.side("left"), "facts.json", (-0.06, 0.3))
    arrow(axes, summary.side("bottom"), commentary.side("top"))
    elbow(axes, [commentary.side("right"), (book.x, commentary.y), book.side("bottom")])
    axes.text(7.0, commentary.y + 0.14, "sentences", ha="center", va="center", size=8.5, color=INK)
    arrow(axes, evaluate.side("right"), book.side("top", -0.3), "executed\nnotebooks", (0.1, 0.33), -0.15)
    return figure


def live_decision() -> Figure:
    """One decision of a team in use: what it passes through, who watches, and what is kept of it."""
    figure, axes = canvas(8.6, 3.9)
    market = Box(0.95, 2.1, "Market", "one step", "world", 1.4, 0.8)
    team = Box(3.0, 2.75, "Team", "wants an action", "agent", 1.7, 0.7)
    baseline = Box(3.0, 1.45, "Baseline", "a policy that\nneeds no trust", "plain", 1.7, 0.8)
    oversight = Box(5.15, 2.1, "Oversight", "who may act", "data", 1.5, 0.8)
    safety = Box(7.4, 2.1, "Safety layer", "nearest allowed\naction", "data", 1.8, 0.85)
    person = Box(4.75, 3.5, "A person", "approves, kills, resumes", "page", 2.1, 0.66)
    bound = Box(7.3, 3.5, "Performance bound", "sequential test", "plain", 2.0, 0.66)
    trail = Box(5.15, 0.45, "Audit trail", "every decision, chained by hashes", "page", 3.2, 0.66)
    for box in (market, team, baseline, oversight, safety, person, bound, trail):
        box.draw(axes)
    elbow(axes, [market.side("top"), (market.x, team.y), team.side("left")])
    axes.text(1.5, team.y + 0.14, "state", ha="center", va="center", size=8.5, color=INK)
    elbow(axes, [team.side("right"), (4.1, team.y), (4.1, 2.25), oversight.side("left", 0.15)])
    elbow(axes, [baseline.side("right"), (4.1, baseline.y), (4.1, 1.95), oversight.side("left", -0.15)])
    arrow(axes, person.side("bottom", 0.1), oversight.side("top", -0.3))
    elbow(axes, [bound.side("bottom", -0.6), (6.7, 2.85), (5.5, 2.85), oversight.side("top", 0.35)])
    arrow(axes, oversight.side("right"), safety.side("left"))
    arrow(axes, oversight.side("bottom"), trail.side("top"), "who acted,\nwhat it wanted", (-0.6, 0.05))
    elbow(axes, [safety.side("bottom"), (safety.x, trail.y), trail.side("right")])
    axes.text(7.95, 1.1, "what was done,\nwhat was wrong", ha="center", va="center", size=8.5, color=INK)
    elbow(axes, [trail.side("left"), (market.x, trail.y), market.side("bottom")])
    axes.text(2.2, trail.y + 0.14, "action", ha="center", va="center", size=8.5, color=INK)
    return figure


DRAWINGS = {
    "architecture": architecture,
    "data-flow": data_flow,
    "pipeline": pipeline,
    "live-decision": live_decision,
}


def draw(folder: Path) -> None:
    """Write every diagram as <name>.svg; a file that would not change keeps its date."""
    folder.mkdir(parents=True, exist_ok=True)
    # Text stays text, so that it can be searched and read aloud; a fixed salt makes the files reproducible.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "adrl", "font.family": "sans-serif"}):
        for name, drawing in DRAWINGS.items():
            buffer = io.BytesIO()
            drawing().savefig(buffer, format="svg", metadata={"Date": None})
            path = folder / f"{name}.svg"
            if not path.exists() or path.read_bytes() != buffer.getvalue():
                path.write_bytes(buffer.getvalue())
