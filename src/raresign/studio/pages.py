"""The pages of the studio, in the order of its navigation."""

from __future__ import annotations

from raresign.studio.add_pages import ADD
from raresign.studio.compare_pages import COMPARE
from raresign.studio.find_pages import FIND
from raresign.studio.name_pages import NAME
from raresign.studio.page import Page
from raresign.studio.report_pages import REPORT
from raresign.studio.review_pages import REVIEW

PAGES: tuple[Page, ...] = (NAME, ADD, FIND, REVIEW, COMPARE, REPORT)
