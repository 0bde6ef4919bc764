"""What a crop looks like as a whole: light, colour, and how much free border it has."""

from __future__ import annotations

import torch
from torch import Tensor


def light(luma: Tensor) -> dict[str, Tensor]:
    """Brightness and contrast of (N, S, S) luma.

    `brightness`, `contrast`: mean and standard deviation; `centre_*` of the inner half of the
    width, `border_*` of the outer eighth; `dark`, `bright`: the 5 % and 95 % quantiles; `clipped`:
    share of pixels at 0.99 and above; `slope_across`, `slope_down`: rise of the least-squares plane
    from one side of the crop to the other.

    Example:
        >>> ramp = torch.linspace(0, 1, 33).expand(1, 33, 33)
        >>> round(light(ramp)["slope_across"].item(), 3), round(light(ramp)["slope_down"].item(), 3)
        (1.0, 0.0)
    """
    size = luma.shape[-1]
    inner = slice(size // 4, size - size // 4)
    centre = luma[:, inner, inner].flatten(1)
    ring = luma[:, _border(size)]
    flat = luma.flatten(1)
    dark, bright = quantiles(luma, 0.05, 0.95)
    place = torch.linspace(-0.5, 0.5, size)
    power = place.square().sum()
    return {
        "brightness": flat.mean(1),
        "contrast": flat.std(1),
        "centre_brightness": centre.mean(1),
        "centre_contrast": centre.std(1),
        "border_brightness": ring.mean(1),
        "border_contrast": ring.std(1),
        "dark": dark,
        "bright": bright,
        "clipped": (flat >= 0.99).float().mean(1),
        "slope_across": luma.mean(1) @ place / power,
        "slope_down": luma.mean(2) @ place / power,
    }


def colour(crops: Tensor, luma: Tensor) -> dict[str, Tensor]:
    """Saturation and cast of (N, 3, S, S) crops.

    `saturation`, `vivid`: mean and 95 % quantile of max - min over the channels (the chroma of
    HSV); `border_saturation`: its mean in the outer eighth; `red_green`, `yellow_blue`: mean
    opponent channels R - G and (R + G) / 2 - B; `white_*`: the same where luma is in its upper
    tenth, the crop's white patch; `border_*`: in the outer eighth; `colourfulness`: Hasler and
    Suesstrunk, "Measuring colourfulness in natural images" (SPIE 5007, 2003): root of the summed
    variances of the opponent channels + 0.3 times the length of their mean.

    Example:
        >>> red = torch.zeros(1, 3, 16, 16); red[:, 0] = 1
        >>> found = colour(red, red.mean(1))
        >>> found["saturation"].item(), found["red_green"].item(), found["yellow_blue"].item()
        (1.0, 1.0, 0.5)
    """
    red, green, blue = crops.unbind(1)
    high = torch.maximum(torch.maximum(red, green), blue)
    chroma = high - torch.minimum(torch.minimum(red, green), blue)
    opponents = torch.stack([red - green, (red + green) / 2 - blue], 1).flatten(2)  # (N, 2, S S)
    ring = _border(crops.shape[-1]).flatten()
    (tenth,), (vivid,) = quantiles(luma, 0.9), quantiles(chroma, 0.95)
    chroma = chroma.flatten(1)
    white = (luma.flatten(1) >= tenth[:, None]).float()[:, :, None]
    mean = opponents.mean(2)
    patch = (opponents @ white).squeeze(2) / white.sum(1).clamp(min=1)
    edge = opponents[:, :, ring].mean(2)
    spread = opponents.var(2, unbiased=False).sum(1).sqrt()
    return {
        "saturation": chroma.mean(1),
        "vivid": vivid,
        "border_saturation": chroma[:, ring].mean(1),
        "red_green": mean[:, 0],
        "yellow_blue": mean[:, 1],
        "white_red_green": patch[:, 0],
        "white_yellow_blue": patch[:, 1],
        "border_red_green": edge[:, 0],
        "border_yellow_blue": edge[:, 1],
        "colourfulness": spread + 0.3 * mean.norm(dim=1),
    }


def margin(luma: Tensor) -> dict[str, Tensor]:
    """Where the sign's edges begin in (N, S, S) luma, as shares of the width.

    The gradient's absolute value is summed over each column (row) and accumulated from either
    side: `margin_across` and `margin_down` are how far the tenth of the sum lies from the left and
    right (top and bottom) border, on average; `off_across`, `off_down`: the centre of mass of the
    sum less the crop's centre.

    Example:
        >>> plate = torch.zeros(1, 64, 64); plate[:, 16:48, 16:48] = 1
        >>> round(margin(plate)["margin_across"].item(), 2)
        0.25
    """
    size = luma.shape[-1]
    energy = torch.zeros_like(luma)
    energy[:, :, 1:] += luma.diff(dim=2).abs()
    energy[:, 1:] += luma.diff(dim=1).abs()
    found = {}
    place = (torch.arange(size) + 0.5) / size - 0.5
    for name, axis in (("across", 1), ("down", 2)):
        profile = energy.sum(axis) + 1e-6
        profile = profile / profile.sum(1, keepdim=True)
        gathered = profile.cumsum(1)
        left = (gathered < 0.1).float().sum(1)
        right = (gathered > 0.9).float().sum(1)
        found[f"margin_{name}"] = (left + right) / (2 * size)
        found[f"off_{name}"] = profile @ place
    return found


def quantiles(plane: Tensor, *shares: float) -> list[Tensor]:
    """(N,) quantiles of (N, H, W), of every other pixel of every other row: precise enough.

    Example:
        >>> quantiles(torch.tensor([[[3.0, 9.0, 1.0]]]), 0.0, 1.0)
        [tensor([1.]), tensor([3.])]
    """
    ordered = plane[:, ::2, ::2].flatten(1).sort(1).values
    return [ordered[:, round(share * (ordered.shape[1] - 1))] for share in shares]


def _border(size: int) -> Tensor:
    """(S, S) bool: the outer eighth of the width on every side."""
    ring = torch.ones(size, size, dtype=torch.bool)
    width = max(1, size // 8)
    ring[width:-width, width:-width] = False
    return ring
