"""The built book in a headless Chromium: nothing leaves it, nothing is broken, images are described."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.book.small_book import CHROMIUM, needs_chromium

BOOK = Path(__file__).parents[2] / "_build" / "html"
CHAPTERS = (
    "index",
    "summary",
    "architecture",
    "mathematics",
    "experiments",
    "ablations",
    "ledger",
    "published-table",
    "design",
    "status",
)

# Elements whose content may be wider than a phone must scroll by themselves, never the page.
WIDER_THAN_SCREEN = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"
LOAD_IMAGES = """() => Promise.all([...document.images].map(image => {
  image.loading = 'eager';
  return image.decode().catch(() => null);
}))"""
SETTLE_MS = 200
UNDESCRIBED = (
    "() => [...document.images].filter(i => !i.alt.trim() || i.alt.includes('_images/')).map(i => i.src)"
)
BROKEN = "() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
EQUATIONS = "() => document.querySelectorAll('.math').length"
RENDERED = "() => document.querySelectorAll('.math mjx-container svg').length"

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    if not (BOOK / "index.html").exists():
        pytest.fail(f"no book in {BOOK}; `make book` builds it")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            chromium_sandbox=os.geteuid() != 0,  # Chromium refuses to start sandboxed as root
        )
        yield chromium
        chromium.close()


def open_page(browser: Browser, path: Path, width: int = 1400) -> tuple[Page, list[str]]:
    """A page after it has settled, and everything that went wrong or went outside meanwhile."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    problems: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console: {message.text}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else problems.append(f"left the page: {request.url}")
        ),
    )
    page.goto(path.as_uri(), wait_until="load")
    page.evaluate(LOAD_IMAGES)
    page.wait_for_timeout(SETTLE_MS)
    if page.evaluate(EQUATIONS):
        page.wait_for_function("() => document.querySelector('mjx-container')", timeout=20_000)
        page.evaluate("() => MathJax.startup.promise.then(() => null)")
    return page, problems


def test_every_page_is_self_contained_described_and_rendered(browser: Browser) -> None:
    pages = sorted(path for path in BOOK.rglob("*.html") if "_static" not in path.parts)
    assert len(pages) > 10
    found: dict[str, list[str]] = {}
    for path in pages:
        page, problems = open_page(browser, path)
        problems += [f"no alt text: {source}" for source in page.evaluate(UNDESCRIBED)]
        problems += [f"broken image: {source}" for source in page.evaluate(BROKEN)]
        if page.evaluate(RENDERED) != page.evaluate(EQUATIONS):
            problems.append(f"{page.evaluate(RENDERED)} of {page.evaluate(EQUATIONS)} equations rendered")
        page.close()
        if problems:
            found[str(path.relative_to(BOOK))] = problems
    assert not found


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapters_fit_a_phone(browser: Browser, chapter: str) -> None:
    page, problems = open_page(browser, BOOK / f"{chapter}.html", width=390)
    assert not page.evaluate(WIDER_THAN_SCREEN)
    assert not problems
    page.close()


def test_mathematics_is_typeset(browser: Browser) -> None:
    page, _ = open_page(browser, BOOK / "mathematics.html")
    assert page.evaluate(RENDERED) > 0
    page.close()


def test_search_finds_a_chapter(browser: Browser) -> None:
    page = browser.new_page()
    page.goto((BOOK / "search.html").as_uri() + "?q=controller")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    page.close()
