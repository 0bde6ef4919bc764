"""The protocol that choices are made with: frequent classes play rare in several folds."""

from __future__ import annotations

from raresign.workflow.protocol.absent_table import AbsentTable
from raresign.workflow.protocol.ideas import Idea, load_ideas, rows_of_ideas
from raresign.workflow.protocol.run import protocol, protocol_absent
from raresign.workflow.protocol.table import ProtocolRow, ProtocolTable
from raresign.workflow.protocol.trial import Trial

__all__ = [
    "AbsentTable",
    "Idea",
    "ProtocolRow",
    "ProtocolTable",
    "Trial",
    "load_ideas",
    "protocol",
    "protocol_absent",
    "rows_of_ideas",
]
