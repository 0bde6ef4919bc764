"""Seeds made of integers, alike on every machine; plain Python."""

from __future__ import annotations

GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
"""The constants of SplitMix64, whose finaliser spreads every bit of 64."""

_BITS = (1 << 64) - 1


def mix_integers(*values: int) -> int:
    """Hash integers (their low 64 bits) to one non-negative 63-bit seed, alike on every machine.

    Example:
        >>> mix_integers(0, 1) != mix_integers(1, 0)
        True
    """
    state = 0
    for value in values:
        state = (state + GOLDEN + value) & _BITS
        state = ((state ^ state >> 30) * MIX_1) & _BITS
        state = ((state ^ state >> 27) * MIX_2) & _BITS
        state ^= state >> 31
    return state & (_BITS >> 1)
