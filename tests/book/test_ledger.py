"""The ledger's table and rules in a small book, with and without its script."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from sphinx.errors import ExtensionError

from adrl_core.evidence.claims import RULES, VERDICTS, ledger, ledger_facts
from adrl_core.report.facts import Fact
from tests.book import synthetic
from tests.book.small_book import CHROMIUM, build_page, needs_chromium

ASSETS = Path(__file__).parents[2] / "book" / "assets"
PAGE = "See [C074](#c074).\n\n```{ledger-rules}\n```\n\n```{ledger}\n```\n"
ROWS = "table.ledger tbody tr"


def build(root: Path, facts: dict[str, Fact]) -> Path:
    """Build a book of one page, whose study has these facts besides the usual ones; returns the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADRL_RESULTS", str(root / "results"))
        patch.setattr(synthetic, "FACTS", synthetic.FACTS | facts)
        synthetic.make_results(("published",), ("full",))
        return build_page(
            root,
            PAGE,
            extensions=["myst_nb", "adrl_core.report.sphinx_ledger"],
            html_static_path=[str(ASSETS)],
            html_css_files=["report.css"],
            adrl_profile=synthetic.PROFILE,
        )


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fact]:
    """The ledger of a study that ran nothing, with one measured claim."""
    made = ledger_facts(ledger(tmp_path_factory.mktemp("empty")))
    measured = Fact(
        value=472.33,
        format=".2f",
        low=455.0,
        high=489.5,
        interval="95 % prediction interval",
        n=20,
        unit_of_analysis="training runs",
        source="published/full/train",
        stage="published/full/train",
    )
    return made | {"ledger.C074.ours": measured, "ledger.C074.verdict": Fact(value="same direction")}


@pytest.fixture(scope="module")
def page(facts: dict[str, Fact], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built page."""
    return build(tmp_path_factory.mktemp("ledger"), facts)


def plain(html: str) -> str:
    """HTML without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def row(html: str, claim: str) -> str:
    """HTML of one row of the table."""
    return next(part for part in html.split("<tr ") if f'id="{claim.lower()}"' in part)


def test_every_claim_has_a_row_with_anchor_kind_and_verdict(page: Path) -> None:
    html = page.read_text()
    assert len(re.findall(r'id="c\d{3}"', html)) == 247
    assert 'class="kind-outcome verdict-same-direction row-' in row(html, "C074")
    assert 'href="#c074"' in html.split("<table")[0]


def test_a_row_shows_printed_and_own_number_with_interval_and_run(page: Path) -> None:
    html = row(page.read_text(), "C074")
    text = plain(html)
    assert "511.27 reward 472.33 [455.00, 489.50] n = 20 training runs same direction" in text
    assert "In the report: C108 C110 C112 C114: episode-weighted trajectory mean is 490.00" in text
    assert 'href="notebooks/published-full-train.html"' in html


def test_rules_are_stated_in_the_words_of_the_code(page: Path) -> None:
    text = plain(page.read_text())
    for rule in RULES:
        assert rule.statement()[:60] in text
        assert re.search(rf"{rule.name} \(\d+ claims\)", text)


def test_a_study_without_a_ledger_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(ExtensionError, match="ledger: no verdict on C001, C002"):
        build(tmp_path, {})


@pytest.fixture
def browser_page(page: Path) -> Iterator[Page]:
    """The page in a headless Chromium, on a phone."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=os.geteuid() != 0)
        opened = chromium.new_page(viewport={"width": 420, "height": 900})
        opened.goto(page.as_uri())
        yield opened
        chromium.close()


def shown(page: Page) -> list[str]:
    """Ids of the rows that can be seen."""
    return [r.get_attribute("id") or "" for r in page.locator(ROWS).all() if r.is_visible()]


@pytest.mark.browser
@needs_chromium
def test_filters_by_keyboard(browser_page: Page, facts: dict[str, Fact]) -> None:
    page = browser_page
    count = page.locator(".ledger-controls output")
    assert count.text_content() == "247 of 247 claims"
    page.get_by_label("Verdict").select_option(label="same direction")
    assert shown(page) == ["c074"]
    assert count.text_content() == "1 of 247 claims"
    page.get_by_label("Kind").select_option(label="ablation")
    assert shown(page) == []
    page.get_by_role("button", name="Show all").press("Enter")
    assert count.text_content() == "247 of 247 claims"
    page.get_by_label("Search the claims").press_sequentially("discount FACTOR")
    assert "c033" in shown(page) and "c074" not in shown(page)
    page.get_by_label("Search the claims").fill("")
    page.get_by_label("Verdict").select_option(label="not testable")
    expected = sum(f.value == "not testable" for k, f in facts.items() if k.endswith(".verdict"))
    assert len(shown(page)) == expected
    assert page.get_by_label("Verdict").locator("option").count() <= len(VERDICTS) + 1


@pytest.mark.browser
@needs_chromium
def test_a_link_to_a_hidden_row_shows_it_and_the_page_fits_a_phone(browser_page: Page) -> None:
    page = browser_page
    page.get_by_label("Search the claims").fill("nothing at all like this")
    assert shown(page) == []
    page.evaluate("() => { location.hash = '#c201'; }")
    page.wait_for_function("() => !document.getElementById('c201').hidden")
    assert len(shown(page)) == 247
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 421


@pytest.mark.browser
@needs_chromium
def test_without_the_script_the_table_is_whole(page: Path) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=os.geteuid() != 0)
        plain_page = chromium.new_context(java_script_enabled=False).new_page()
        plain_page.goto(page.as_uri())
        assert plain_page.locator(ROWS).count() == 247
        assert plain_page.locator(".ledger-controls").count() == 0
        chromium.close()
