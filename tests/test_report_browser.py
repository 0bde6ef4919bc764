"""The report in a real browser: sorting, filtering, narrow screens, no network, no complaints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from raresign.files import write_json
from raresign.report.document import write_report
from test_report import CODES, HOSTILE, made_run
from test_report_recognition import add_recognition

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api")

ROWS = "#class-table tbody tr"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = made_run(tmp_path_factory.mktemp("browser"))
    add_recognition(run)
    info = json.loads((run / "run.json").read_text())
    info["name"] = HOSTILE + "x" * 200  # one long word must not widen the page
    write_json(run / "run.json", info)
    return write_report(run)


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["wide-light", "narrow-dark"])
def page(
    browser: sync_api.Browser, report: Path, request: pytest.FixtureRequest
) -> Iterator[sync_api.Page]:
    """The opened report; at the end nothing may have been logged or fetched."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    page.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "data:")) else complaints.append(r.url),
    )
    page.goto(report.as_uri())
    yield page
    assert complaints == []
    context.close()


def codes(page: sync_api.Page) -> list[str]:
    return page.eval_on_selector_all(
        ROWS, "rows => rows.filter(r => !r.hidden).map(r => r.querySelector('th').dataset.sort)"
    )


def click(page: sync_api.Page, heading: str) -> None:
    page.locator("#class-table th button", has_text=heading).click()


def test_sorting_reorders_both_ways(page: sync_api.Page) -> None:
    assert codes(page) == list(CODES)
    click(page, "Recall")
    key = "rows => rows.map(r => Number(r.cells[5].dataset.sort))"
    rising = page.eval_on_selector_all(ROWS, key)
    assert rising == sorted(rising)
    assert rising[0] < rising[-1]
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    click(page, "Recall")
    assert page.eval_on_selector_all(ROWS, key) == sorted(rising, reverse=True)
    click(page, "Code")
    assert codes(page) == list(CODES)
    click(page, "Code")
    assert codes(page) == list(CODES)[::-1]
    assert page.locator("th[aria-sort]").count() == 1


def test_the_filter_hides_rows(page: sync_api.Page) -> None:
    box = page.get_by_label("Filter")
    box.fill("RED ring  rare")
    assert codes(page) == ["3.24.n50"]
    assert page.locator("#class-status").inner_text() == f"1 of {len(CODES)} classes"
    box.fill("no such sign")
    assert codes(page) == []
    box.fill("")
    assert codes(page) == list(CODES)


def test_nothing_is_wider_than_the_screen(page: sync_api.Page) -> None:
    for details in page.locator("details").all():
        details.evaluate("d => d.open = true")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_picture_is_drawn(page: sync_api.Page) -> None:
    pictures = page.eval_on_selector_all(
        "img", "all => Promise.all(all.map(i => i.decode().then(() => i.naturalWidth)))"
    )
    assert len(pictures) > 50
    assert min(pictures) > 0


# Relative luminance and contrast: WCAG 2.1, success criterion 1.4.3.
CONTRAST = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => {
    const [r, g, b] = c.slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0.99) return c;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || ["SCRIPT", "STYLE"].includes(e.tagName) || e.closest("svg") || !e.offsetParent)
      continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)}`);
  }
  return low;
}"""


def test_all_text_has_enough_contrast(page: sync_api.Page) -> None:
    assert page.evaluate(CONTRAST) == []
