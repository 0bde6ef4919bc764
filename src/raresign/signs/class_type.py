"""The two types of a class: photographed often enough, or known from its icon alone."""

from __future__ import annotations

from typing import Literal

SignType = Literal["freq", "rare"]
