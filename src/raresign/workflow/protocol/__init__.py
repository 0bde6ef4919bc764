"""The protocol that choices are made with: frequent classes play rare in several folds."""

from __future__ import annotations

from raresign.workflow.protocol.ideas import Idea, load_ideas, rows_of_ideas
from raresign.workflow.protocol.run import protocol
from raresign.workflow.protocol.table import ProtocolRow, ProtocolTable
from raresign.workflow.protocol.trial import Trial

__all__ = [
    "Idea",
    "ProtocolRow",
    "ProtocolTable",
    "Trial",
    "load_ideas",
    "protocol",
    "rows_of_ideas",
]
