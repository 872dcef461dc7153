"""The directives of the commentary in a small book."""

import re
from pathlib import Path

import pytest
from sphinx.errors import ExtensionError

from adrl_core.commentary.crew import Refused, Sentence
from adrl_core.commentary.finding import Relation
from adrl_core.commentary.report import Commentary
from adrl_core.commentary.trial.examples import comparison
from adrl_core.report.facts import Fact
from tests.book import synthetic
from tests.book.small_book import build_page

FINDING = comparison("full", Relation.BELOW, "constant_max", market="published")
SAID = Sentence(
    finding=FINDING,
    text="The published settings earn [subject] reward, less than the constant maximum bid with [object].",
    origin="model",
    attempts=2,
    seed=2,
    refused=(Refused(text="The published settings win.", problems=("quotes no number",)),),
)
LIE = SAID.model_copy(update={"text": SAID.text.replace("less than", "more than")})
COMMENTARY = Commentary(
    profile=synthetic.PROFILE,
    model="a model",
    source="recorded",
    warning="",
    final=(SAID,),
    periodic=(SAID,),
    recommendations=("Bid the maximum.",),
)
PAGE = """
```{commentary-source}
```
```{said} Performance Analyst
```
```{said-along-the-training}
```
```{recommended}
```
```{commentary-log}
```
"""


def build(root: Path, text: str, commentary: Commentary | None) -> str:
    """The text of a page of a small book, tags removed."""
    facts = {"x.subject": Fact(value=505.0, format=".1f"), "x.object": Fact(value=522.2, format=".1f")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADRL_RESULTS", str(root / "results"))
        patch.setattr(synthetic, "FACTS", synthetic.FACTS | facts)
        patch.setattr(synthetic, "COMMENTARY", commentary or synthetic.COMMENTARY)
        synthetic.make_results(("published",), ("full",))
        if commentary is None:
            (root / "results" / synthetic.PROFILE / "commentary" / "commentary.json").unlink()
        page = build_page(
            root,
            text,
            extensions=["myst_nb", "adrl_core.report.sphinx_commentary"],
            adrl_profile=synthetic.PROFILE,
        )
    return " ".join(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")).split())


@pytest.mark.slow
def test_sentences_are_printed_with_their_facts_and_origin(tmp_path: Path) -> None:
    page = build(tmp_path, PAGE, COMMENTARY)
    sentence = "The published settings earn 505.0 reward, less than the constant maximum bid with 522.2."
    assert page.count(sentence) == 4  # said at the end, along the training, and both in the log
    assert "written by a model and are played back from a recording" in page
    assert "Bid the maximum." in page
    assert "Refused: The published settings win. (quotes no number)" in page
    assert "model, attempt 2 seed 2 passed" in page


@pytest.mark.slow
def test_the_page_says_that_templates_stand_in_and_why(tmp_path: Path) -> None:
    failed = {"source": "template", "model": "", "warning": "The model failed (out of memory)."}
    page = build(tmp_path, "```{commentary-source}\n```", COMMENTARY.model_copy(update=failed))
    assert "Warning The sentences below are plain templates: no sentence of a language model is among" in page
    assert "The model failed (out of memory)." in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "commentary", "problem"),
    [
        ("```{said} Cheerleader\n```", COMMENTARY, "'Cheerleader' is no role"),
        ("```{commentary-log}\n```", None, "commentary.json: missing"),
        ("```{commentary-log}\n```", COMMENTARY.model_copy(update={"final": (LIE,)}), "is not grounded"),
    ],
)
def test_what_cannot_be_quoted_fails_the_build(
    text: str, commentary: Commentary | None, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ExtensionError, match=problem):
        build(tmp_path, text, commentary)
