"""The report of a run: one HTML file that needs no network, and contact sheets of crops."""

from __future__ import annotations

from raresign.report.document import write_report
from raresign.report.sheets import contact_sheet

__all__ = ["contact_sheet", "write_report"]
