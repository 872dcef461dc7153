"""What counts as an input of a stage, and what does not."""

from pathlib import Path
from typing import Any

import jupytext
import pytest

from adrl_core import notebook_io
from adrl_core.config import Auctions, ConfigurationError, Study
from adrl_core.config_markets import MARKET_NAMES, RESERVED
from adrl_core.report import jobs, stages
from adrl_core.report.facts import PROSE_PROFILE, FactStore
from adrl_core.report.inputs import code_only, imported, inputs, notebook_code
from adrl_core.report.jobs import job
from adrl_core.report.stages import STAGES, notebook_study


def test_code_only_ignores_prose_and_layout() -> None:
    before = (
        '"""D."""\ndef f(x):\n    """D."""\n    # c\n    return [x,\n   1]\n\nclass A:\n    b = 1\n    "b"\n'
    )
    after = "def f(x): return [x, 1]\nclass A:\n    b=1"
    assert code_only(before) == code_only(after)
    assert code_only(before) != code_only(after.replace("1", "2"))


def test_code_only_keeps_strings_that_do_something() -> None:
    assert code_only("f('a')") != code_only("f('b')")


def test_imports_are_followed() -> None:
    reached = inputs(job("train", "smoke", "published", "full"))
    for path in ("train.py", "agents/team.py", "agents/ddqn.py", "market/published.py", "market/noise.py"):
        assert f"adrl_core/{path}" in reached
    assert not any("report" in name or "cli" in name or name == "adrl_core/config.py" for name in reached)
    assert {"adrl_core/config.py", "adrl_core/evidence/claims.csv"} <= set(inputs(job("summary", "smoke")))
    assert "adrl_core/agents/team.py" not in inputs(job("market", "smoke", "published"))


def test_relative_imports() -> None:
    found = set(imported("from . import a\nfrom .b import c\nfrom ..d import e", "adrl_core.agents"))
    assert {"adrl_core.agents.a", "adrl_core.agents.b", "adrl_core.d"} <= found


def test_study_decides() -> None:
    def settings(stage: str, variant: str, **changes: int) -> dict[str, Any]:
        return job(stage, "smoke", "published", variant, changes=changes).settings

    full = settings("train", "full")
    assert full == settings("train", "full", evaluation_episodes=7)
    assert full != settings("train", "full", episodes=7)
    assert full["team"]["bidding"] != settings("train", "full+bidding.discount=0")["team"]["bidding"]
    assert settings("baselines", "") == settings("baselines", "", episodes=7)
    assert settings("baselines", "") != settings("baselines", "", evaluation_episodes=7)


def test_cells_that_only_show_are_free(tmp_path: Path) -> None:
    text = '# %%\na = 1\n\n# %% tags=["show"]\nplot(a)\n\n# %% [markdown]\n# words\n'
    notebook = tmp_path / "n.py"
    notebook.write_text(text)
    before = notebook_code(notebook, without="show")
    notebook.write_text(text.replace("plot(a)", "plot(a, color=1)").replace("words", "others"))
    assert notebook_code(notebook, without="show") == before
    notebook.write_text(text.replace("a = 1", "a = 2"))
    assert notebook_code(notebook, without="show") != before


@pytest.mark.parametrize("stage", STAGES)
def test_notebooks(stage: str) -> None:
    """Each reads as a notebook for python3, with one parameters cell that sets exactly the parameters."""
    path = stages.ROOT / "notebooks" / f"{stage}.py"
    notebook = jupytext.reads(notebook_io.read(str(path)), fmt="ipynb")
    assert notebook.metadata.kernelspec.name == "python3"
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    variables: dict[str, object] = {}
    exec(cell.source, variables)
    fields = set(Study.model_fields) if STAGES[stage].settings else set()
    if stage == "auctions":
        fields = set(Auctions.model_fields)
    assert set(stages.plain_variables(variables)) == {"directory"} | fields


def test_notebook_parameters(tmp_path: Path, results_root: Path) -> None:
    good = {
        "market": "channels",
        "episodes": 3,
        "directory": str(tmp_path / "out"),
        "In": [],
        "_": 1,
        "exit": exit,
    }
    study, folder = notebook_study(good, "train")
    assert (study.market, study.episodes, folder) == ("channels", 3, tmp_path / "out")
    assert folder.is_dir()
    assert notebook_study({"directory": ""}, "train")[1] == results_root / "custom/published/full/train"
    with pytest.raises(ConfigurationError, match="episdoes: unknown parameter"):
        notebook_study(good | {"episdoes": 3}, "train")
    with pytest.raises(ConfigurationError, match="episodes = -1"):
        notebook_study(good | {"episodes": -1}, "train")


def test_trials_of_governance_come_with_their_trainings() -> None:
    """They follow the tuned team on channels, each after all trainings that it reads, none twice."""
    found = jobs.jobs("smoke", ("channels",), ("full", "tuned"), "", {})
    folders = [work.folder for work in found]
    assert len(set(folders)) == len(folders)
    trials = [work for work in found if work.stage in stages.GOVERNANCE]
    assert [(w.stage, w.market) for w in trials] == [
        (stage, market) for stage, markets in stages.GOVERNANCE.items() for market in markets
    ]
    for work in trials:
        assert work.variant == "tuned"
        assert set(work.after) <= set(folders[: folders.index(work.folder)])
    for markets, variants in ((("published",), ("tuned",)), (("channels",), ("full",))):
        without = jobs.jobs("smoke", markets, variants, "", {})
        assert not any(work.stage in stages.GOVERNANCE for work in without)


def test_auctions_run_where_their_log_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a made-up log anywhere; on a real one only where it is, and then its hash is recorded."""
    monkeypatch.setenv("ADRL_LOGS", str(tmp_path))
    both = ("published", "channels")

    def named(profile: str, markets: tuple[str, ...] = both) -> list[str]:
        return [work.stage for work in jobs.jobs(profile, markets, ("full",), "", {})]

    assert named("smoke").count("auctions") == 1
    assert "auctions" not in named("smoke", ("channels",))
    assert "auctions" not in named("paper")
    work = job("auctions", "paper")
    assert (work.external, work.lacking) == (
        (),
        "the log 2997 is not here; ADRL_LOGS may name its folder",
    )
    for name in ("2997.json", "2997-auctions.csv"):
        (tmp_path / name).touch()
    assert named("paper").count("auctions") == 1
    assert (work.external, work.lacking) == ((tmp_path / "2997.json", tmp_path / "2997-auctions.csv"), "")
    assert job("auctions", "smoke").external == ()


def test_changes_reach_the_stages_that_have_the_field() -> None:
    changes = {"seeds": 3, "rounds": 7, "episodes": 9}
    assert job("auctions", "smoke", changes=changes).settings == {
        "log": "synthetic",
        "seeds": 3,
        "rounds": 7,
        "simulated": 4,
    }
    assert job("train", "smoke", "published", "full", changes=changes).settings["episodes"] == 9
    for stage in ("auctions", "train"):
        with pytest.raises(ConfigurationError, match="epsidoes: unknown parameter"):
            job(stage, "smoke", "published", "full", changes={"epsidoes": 1})


def test_notebook_of_auctions(tmp_path: Path, results_root: Path) -> None:
    study, folder = stages.notebook_auctions({"log": "2997", "rounds": 2, "directory": ""})
    assert (study, folder) == (Auctions(log="2997", rounds=2), results_root / "custom/auctions")
    with pytest.raises(ConfigurationError, match="rounds = 0"):
        stages.notebook_auctions({"rounds": 0, "directory": str(tmp_path)})


def test_rivals_come_with_channels() -> None:
    """On one market in the small profiles, on four in the large one."""
    for profile, markets in stages.RIVALS.items():
        found = jobs.jobs(profile, ("channels",), ("full",), "", {})
        assert [work.folder for work in found if work.stage == "rivals"] == [f"{m}/rivals" for m in markets]
        elsewhere = jobs.jobs(profile, ("published",), ("full",), "", {})
        assert not any(work.stage == "rivals" for work in elsewhere)


def test_generalists_come_with_channels_and_belong_to_no_market() -> None:
    for markets, count in (("channels",), 1), (("published",), 0):
        found = jobs.jobs("smoke", markets, ("full",), "", {})
        assert [work.folder for work in found if work.stage == "generalists"] == ["generalists"] * count
    assert job("generalists", "smoke").settings == {"seeds": 2, "episodes": 6, "evaluation_episodes": 8}


def test_the_trial_of_logs_comes_with_channels() -> None:
    def folders(markets: tuple[str, ...]) -> list[str]:
        found = jobs.jobs("smoke", markets, ("full",), "", {})
        return [work.folder for work in found if work.stage == "offline"]

    assert folders(("published", "channels")) == ["channels/offline"]
    assert folders(("published",)) == []


@pytest.mark.parametrize("fee", ["2", "2.0", "02", "2e0", " 2", "+2"])
def test_a_fee_has_one_folder(fee: str) -> None:
    assert job("baselines", "smoke", f"channels+fee={fee}") == job("baselines", "smoke", "channels+fee=2")


@pytest.mark.parametrize(
    ("fee", "text"),
    [
        ("1e1", "10"),
        (".5", "0.5"),
        ("1e-7", "0.0000001"),
        ("0.1", "0.1"),
        ("-0", "0"),
        ("1e22", "1" + "0" * 22),
    ],
)
def test_fees_are_plain_numbers_in_folders(fee: str, text: str) -> None:
    """As the workflow's pattern of markets wants them."""
    work = job("baselines", "smoke", f"channels+fee={fee}")
    assert work.folder == f"channels+fee={text}/baselines"
    assert work.study and work.study.fee == float(fee)


def test_no_market_takes_the_name_of_something_else() -> None:
    """Reserved are the folders of stages without market, the prefixes of facts, and a few names more."""
    folders = {kind.folder.partition("/")[0] for kind in STAGES.values() if not kind.has_market} - {""}
    facts = FactStore.of(stages.ROOT / "results" / PROSE_PROFILE).facts
    prefixes = {key.partition(".")[0] for key in facts} - set(MARKET_NAMES)
    others = {"custom", "figures", "summary"}
    assert folders | prefixes | others == RESERVED
