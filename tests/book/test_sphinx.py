"""Small Sphinx builds: what the roles and directives print, and everything that must fail a build."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import nbformat
import pytest
from sphinx.errors import ExtensionError

from adrl_core.files import sha256
from adrl_core.report.manifest import Manifest
from tests.book.small_book import build_page
from tests.book.synthetic import OTHER_PROFILE, PROFILE, make_results, make_stage


class Build(Protocol):
    """Builds a book of one page from MyST text; returns its HTML."""

    def __call__(self, text: str, profile: str = PROFILE) -> str:
        """Build from the results of a profile."""


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results root that no test changes."""
    root = tmp_path_factory.mktemp("pristine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADRL_RESULTS", str(root))
        for profile in (PROFILE, OTHER_PROFILE):
            make_results(("published",), ("full",), profile)
    return root


@pytest.fixture
def results(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The study's folder in a results root of the test's own."""
    root = tmp_path / "results"
    shutil.copytree(pristine, root)
    monkeypatch.setenv("ADRL_RESULTS", str(root))
    return root / PROFILE


@pytest.fixture
def build(results: Path, tmp_path: Path) -> Build:
    """Build a book of one page from MyST text; returns its HTML."""
    (tmp_path / "book").mkdir()

    def run(text: str, profile: str = PROFILE) -> str:
        extensions = ["myst_nb", "adrl_core.report.sphinx_facts"]
        page = build_page(tmp_path, text, extensions=extensions, adrl_profile=profile, numfig=True)
        return page.read_text()

    return run


def plain(html: str) -> str:
    """HTML without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_fact_shows_value_tooltip_and_link(build: Build) -> None:
    html = build("Reward {fact}`published.full.reward.mean`.")
    assert "Reward 512.3 ." in plain(html)
    assert "Numbers from profile paper :" in plain(html)
    assert 'title="reward per episode; 95 % t interval [502.3, 522.3]; n = 2 training runs; source: ' in html
    assert 'href="notebooks/published-full-evaluate.html"' in html


def test_parts_words_and_published_numbers(build: Build) -> None:
    html = build(
        "{fact}`published.full.reward.mean|interval` {fact}`published.full.reward.mean|low` "
        "{fact}`published.full.reward.mean|n` {fact}`published.full.versus.random.reward.word` "
        "{fact}`claim.C074`"
    )
    assert "[502.3, 522.3] 502.3 2 above 511" in plain(html)
    assert 'href="references.html"' in html


@pytest.mark.parametrize(
    ("key", "page"),
    [
        ("published.random.reward.mean", "notebooks/published-baselines.html"),
        ("study.seeds", "status.html"),
        ("config.full.bidding.discount", "design.html"),
        ("claim.C074", "references.html"),
    ],
)
def test_fact_links_to_where_it_comes_from(build: Build, key: str, page: str) -> None:
    assert re.search(
        rf'class="fact" [^>]*><a class="reference internal" href="{page}"', build(f"{{fact}}`{key}`")
    )


def test_notebook_images_are_described_by_the_text_before_them(build: Build, tmp_path: Path) -> None:
    build("Text.")
    html = (tmp_path / "html" / "notebooks" / "published-market.html").read_text()
    assert 'alt="Figure: A line that rises"' in html


def test_fact_table_has_intervals_and_published_numbers(build: Build) -> None:
    html = plain(
        build(
            "```{fact-table}\n:market: published\n:columns: reward.mean Reward\n:published: Published\n"
            ":caption: Rewards.\n\nrandom | Random\nfull | The **team** | claim.C074\n```"
        )
    )
    assert "Policy Reward Published" in html
    assert "Random −21.1 [−31.1, −11.1] –" in html
    assert "The team 512.3 [502.3, 522.3] 511" in html
    assert "Table 1 Rewards." in html


def test_columns_that_not_every_row_has(build: Build) -> None:
    html = build(
        "```{fact-table}\n:market: published\n:columns: reward.mean Reward; worth.mean? Worth\n\n"
        "random | Random\n```"
    )
    assert "Policy Reward Worth Random −21.1 [−31.1, −11.1] –" in plain(html)


def test_result_figure_has_caption_and_plain_alternative(build: Build) -> None:
    html = build("```{result-figure} learning\n```\n\nSee {numref}`fig-learning`.")
    assert 'alt="A rising line."' in html
    assert "Fig. 1 Reward 512.3" in plain(html)
    assert "See Fig. 1" in plain(html)


def test_config_table_lists_every_setting(build: Build) -> None:
    html = plain(build("```{config-table} DDQN\n:compare: full.bidding\n```"))
    assert "Setting Default full bidding Meaning" in html
    assert "replay_capacity 50,000 50,000 Transitions the replay memory holds; no fewer" in html


def test_reproduce_names_commands_and_notebooks(build: Build) -> None:
    html = build("```{reproduce}\npublished/full/train\npublished/baselines\nsummary\n```")
    commands = plain(html).replace("- -", "--")
    assert "adrl run train --profile paper --market published --variant full" in commands
    assert "adrl run baselines --profile paper --market published" in commands
    assert "adrl run summary --profile paper" in commands
    assert 'href="notebooks/summary.html"' in html


def test_status_table_lists_every_stage(build: Build) -> None:
    html = plain(build("```{status-table}\n```"))
    assert all(stage in html for stage in ("published/market", "published/full/train", "summary", "numpy"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{fact}`published.full.mean`", "'published.full.mean': unknown in profile 'paper'; nearest: "),
        ("{fact}`published.full.reward.mean|median`", "unknown part 'median'; allowed: value, low"),
        ("{fact}`claim.C074|n`", "has no such part"),
        ("```{result-figure} missing\n```", "figure 'missing': missing.svg is not among the results"),
        ("```{config-table} Missing\n```", "configuration 'Missing': not a model"),
        (
            "```{fact-table}\n:market: published\n:columns: reward.mean R\n\ngreedy | Greedy\n```",
            "'published.greedy.reward.mean': unknown",
        ),
    ],
)
def test_a_quote_without_a_source_fails_the_build(build: Build, text: str, message: str) -> None:
    for _ in range(2):  # the second build must not forget the first one's failure
        with pytest.raises(ExtensionError, match=re.escape(message)):
            build(text)


TRUE = "{claim}`more than | published.full.reward > published.random.reward, p < 0.05`"
FALSE = "{claim}`less than | published.full.reward < published.random.reward`"


def test_a_true_assertion_shows_its_words_and_what_it_rests_on(build: Build) -> None:
    html = build(f"It earns {TRUE} chance.")
    assert "It earns more than chance." in plain(html)
    assert 'title="published.full.reward = 512.3, published.random.reward = −21.1; ' in html
    assert 'href="notebooks/published-full-evaluate.html"' in html


def test_a_false_assertion_fails_the_build(build: Build) -> None:
    with pytest.raises(ExtensionError, match=r"index.md:3: false: 'less than .*reward = 512\.3"):
        build(FALSE)


@pytest.mark.parametrize(
    "text", ["{claim}`no bar`", "{claim}`words | published.full.reward > nothing.at.all`"]
)
def test_an_assertion_that_cannot_be_evaluated_fails_the_build(build: Build, text: str) -> None:
    with pytest.raises(ExtensionError, match=r"claim 'no bar'|unknown in profile"):
        build(text)


def test_other_profiles_mark_what_they_refute_and_dash_what_they_lack(build: Build) -> None:
    text = (
        f"{FALSE} {{fact}}`published.tuned.reward.mean`\n\n```{{result-figure}} other\n```\n\n"
        "See {numref}`fig-other`.\n\n```{fact-table}\n:market: published\n"
        ":columns: reward.mean Reward; spend.mean Spend\n:header: Team\n\ntuned | Tuned\n```"
    )
    html = build(text, OTHER_PROFILE)
    assert 'class="fact claim claim-false"' in html and "does not hold in profile smoke" in html
    assert 'title="not available in profile smoke">–<' in html
    assert "Fig. 1 (no figure other)" in plain(html) and "See Fig. 1 ." in plain(html)
    assert "Team Reward Spend Tuned – –" in plain(html)


def test_a_typed_numeral_fails_the_build(build: Build, tmp_path: Path) -> None:
    (tmp_path / "book" / "_toc.yml").write_text("root: index\n")
    with pytest.raises(ExtensionError, match=r"book/index.md:3: numeral '512' has no source"):
        build("The team earns 512.")


def test_declared_numerals(build: Build, tmp_path: Path) -> None:
    (tmp_path / "book" / "references.bib").write_text("@book{cohen, title={Power}}\n")
    html = build("Section {structural}`4`, large above {cited}`0.8|cohen`.")
    assert "Section 4, large above 0.8 ." in plain(html)
    with pytest.raises(ExtensionError, match=r"cited '0\.8\|kohen'"):
        build("{cited}`0.8|kohen`")


def test_notebooks_that_were_not_run_have_a_page(build: Build, tmp_path: Path) -> None:
    (tmp_path / "book" / "_toc.yml").write_text("- file: notebooks/published-tuned-train\n")
    build("Text.")
    html = (tmp_path / "html" / "notebooks" / "published-tuned-train.html").read_text()
    assert (
        "This stage was not run in profile paper; "
        "adrl run train --profile paper --market published --variant tuned runs it." in plain(html)
    )


def edit_table(results: Path) -> None:
    """Change a result after the run."""
    (results / "published/baselines/evaluation.parquet").write_text("better")


def remove_table(results: Path) -> None:
    """Lose a result."""
    (results / "published/baselines/evaluation.parquet").unlink()


def change_inputs(results: Path) -> None:
    """Make a manifest claim other code than the present."""
    path = results / "published/market/manifest.json"
    manifest = Manifest.load(path)
    manifest.model_copy(update={"inputs_hash": "0" * 64}).save(path)


def record_error(results: Path) -> None:
    """A notebook that failed, with a manifest that vouches for it."""
    path = results / "published/market/executed.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("error", ename="E", evalue="no", traceback=[])]
    nbformat.write(notebook, path)
    manifest = Manifest.load(path.with_name("manifest.json"))
    outputs = manifest.outputs | {"executed.ipynb": sha256(path)}
    manifest.model_copy(update={"outputs": outputs}).save(path.with_name("manifest.json"))


def add_fact(results: Path) -> None:
    """Type a number into the facts."""
    content = json.loads((results / "facts.json").read_text())
    content["facts"]["made.up"] = {"value": 1.0}
    (results / "facts.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (edit_table, "published/baselines/evaluation.parquet: edited or truncated"),
        (remove_table, "published/baselines/evaluation.parquet: missing"),
        (change_inputs, "published/market: stale"),
        (record_error, "published/market/executed.ipynb: recorded an exception"),
        (add_fact, "facts.json: edited or truncated"),
    ],
)
def test_results_that_cannot_be_trusted_fail_the_build(
    build: Build, results: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(results)
    with pytest.raises(ExtensionError, match=re.escape(message)):
        build("Text.")


def test_results_that_are_missing_fail_the_build(build: Build, results: Path) -> None:
    shutil.rmtree(results)
    with pytest.raises(ExtensionError, match=r"no results .* make them with `adrl study paper`"):
        build("Text.")


def test_page_is_read_again_when_a_fact_changes(build: Build, results: Path) -> None:
    """note_dependency: an incremental build must not keep an old number."""
    text = "{fact}`claim.C074`"
    assert "511" in plain(build(text))
    path = results / "facts.json"
    path.write_text(path.read_text().replace("511.0", "733.0"))
    manifest = Manifest.load(results / "manifest.json")
    outputs = manifest.outputs | {"facts.json": sha256(path)}
    manifest.model_copy(update={"outputs": outputs}).save(results / "manifest.json")
    make_stage(Manifest.load(results / "commentary" / "manifest.json").job)
    assert "733" in plain(build(text))
