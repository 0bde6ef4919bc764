"""How the learning rate follows the progress of a stage."""

from __future__ import annotations

import math


def learning_rate_share(progress: float, warmup: float) -> float:
    """Linear rise over the `warmup` share of the stage, then half a cosine down to zero.

    The cosine is that of Loshchilov and Hutter, "SGDR" (ICLR 2017), without restarts. Progress is
    a share and not a step, so that a stage cut to a time limit still ends with a small rate.

    Args:
        progress: Done share of the stage, 0..1.
        warmup: Share of the stage in which the rate rises.

    Returns:
        Factor of the learning rate, in [0, 1].

    Example:
        >>> learning_rate_share(0.0, 0.0), round(learning_rate_share(0.5, 0.0), 3)
        (1.0, 0.5)
    """
    progress = min(max(progress, 0.0), 1.0)
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / max(1 - warmup, 1e-9)))
