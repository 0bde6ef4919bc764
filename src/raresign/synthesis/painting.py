"""Shapes and paint on the plane of a plate, with edges about one pixel soft."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.synthesis.textures import grain, look_up

RUST = (0.55, 0.27, 0.1)
"""Colour of iron oxide, for `tint`."""


def pixel_size(plate: Tensor) -> Tensor:
    """How far one pixel reaches on the (N, H, W, 2) plate, along its x and its y.

    Returns:
        (N, 2, 1, 1), the length of each coordinate's gradient in the middle of the crop.

    Example:
        >>> x, y = torch.linspace(-1, 1, 9), torch.linspace(-1, 1, 5)
        >>> plate = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[None]
        >>> pixel_size(plate).flatten().tolist()
        [0.25, 0.5]
    """
    row, column = plate.shape[1] // 2, plate.shape[2] // 2
    middle = plate[:, row, column]
    across = middle - plate[:, row, column - 1]
    down = middle - plate[:, row - 1, column]
    return torch.hypot(across, down).clamp_(1e-4, 10.0)[:, :, None, None]


def within(distance: Tensor, pixel: Tensor) -> Tensor:
    """Share of each pixel inside a shape: 1 well inside, 0 outside, a ramp one pixel wide between.

    Args:
        distance: (N, H, W) to the shape's edge, positive outside; overwritten.
        pixel: Size of a pixel in the same unit.

    Example:
        >>> within(torch.tensor([-2.0, 0.0, 0.25, 2.0]), torch.tensor(1.0)).tolist()
        [1.0, 0.5, 0.25, 0.0]
    """
    return distance.div_(-pixel).add_(0.5).clamp_(0, 1)


def split(plate: Tensor) -> tuple[Tensor, Tensor]:
    """x and y of plate coordinates, (N, H, W) each; apart, they are several times faster to use."""
    return plate[..., 0].contiguous(), plate[..., 1].contiguous()


def turned(x: Tensor, y: Tensor, at: tuple[Tensor, Tensor], angle: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates about a point of the plate, turned by an angle.

    Args:
        x, y: From `split`.
        at: x and y of the point, (N,) each.
        angle: (N,) radians, from x towards y.

    Returns:
        Along and across the turned axis, (N, H, W) each.

    Example:
        >>> zero = torch.zeros(1)
        >>> along, across = turned(torch.ones(1, 1, 1), torch.zeros(1, 1, 1), (zero, zero), zero)
        >>> along.item(), across.item()
        (1.0, 0.0)
    """
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    x = x - at[0][:, None, None]
    y = y - at[1][:, None, None]
    return (x * cos).addcmul_(y, sin), y.mul_(cos).addcmul_(x, sin, value=-1)


def length(x: Tensor, y: Tensor) -> Tensor:
    """sqrt(x^2 + y^2) in the memory of `x`: faster than `torch.hypot`, which guards overflow."""
    return x.square_().addcmul_(y, y).sqrt_()


def blotches(noise: Tensor, share: Tensor, softness: Tensor) -> Tensor:
    """Cover where evenly distributed noise is low; its mean is `share`.

    Args:
        noise: (N, H, W) even over [0, 1], as `grain` is.
        share: Of the area, in [0, 1]; (N, 1, 1) or (N, H, W).
        softness: Breadth of the edges, as a share of the noise's range; narrowed where the share
            is too small or large for it, so that none leaves nothing and all leaves no gap.

    Returns:
        (N, H, W) in [0, 1].

    Example:
        >>> even = torch.linspace(0, 1, 1001)[None, None]
        >>> shares = torch.tensor([0.0, 0.1, 0.6])[:, None, None]
        >>> cover = blotches(even.expand(3, -1, -1), shares, torch.full((3, 1, 1), 0.4))
        >>> [round(c.mean().item(), 2) for c in cover]
        [0.0, 0.1, 0.6]
    """
    ramp = torch.minimum(torch.minimum(share, 1 - share).mul_(2), softness).clamp_(min=1e-4)
    return torch.sub(share, noise).div_(ramp).add_(0.5).mul_((share > 0).float()).clamp_(0, 1)


def grain_on(plate: Tensor, width: Tensor, height: Tensor, where: Tensor) -> Tensor:
    """(N, H, W) coherent noise that sticks to the plate, evenly distributed over [0, 1].

    Args:
        plate: (N, H, W, 2).
        width: (N,) of its largest blotches, in plate widths, as is their `height`.
        where: (N, 2) in [0, 1), the place in the texture.
    """
    # A tile holds 8 blotches a side; a plate is 2 units wide.
    scale = (1 / 16) / torch.stack([width, height], 1)
    return look_up(grain, rescaled(plate, scale, where))[:, 0]


def rescaled(plate: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """(N, H, W, 2) plate coordinates times `scale` plus `shift`, (N, 2) each."""
    n, high, wide, _ = plate.shape
    rows = plate.reshape(n, high, wide * 2)  # x y x y ... go through memory faster than pairs
    scale, shift = (values.repeat(1, wide)[:, None] for values in (scale, shift))
    return torch.addcmul(shift, rows, scale).view_as(plate)


def pixel_softness(pixel: Tensor, size: Tensor) -> Tensor:
    """The least `softness` for `blotches` without jagged edges, (N, 1, 1) in [0, 1].

    Args:
        pixel: From `pixel_size`, averaged over x and y: (N, 1, 1).
        size: (N,) of the largest blotches, in plate widths.
    """
    return (1.5 * pixel / size[:, None, None]).clamp(max=1)


def tint(brightness: Tensor, share: Tensor, full: tuple[float, float, float]) -> Tensor:
    """Colours between grey and a full tint, of a given luma (ITU-R BT.601).

    Args:
        brightness: (N,) luma in [0, 1].
        share: (N,) 0 grey, 1 the full tint.
        full: The tint; only its ratios count.

    Returns:
        (N, 3) in [0, 1].

    Example:
        >>> tint(torch.tensor([0.5]), torch.tensor([1.0]), (1.0, 1.0, 0.0))[0, 2].item()
        0.0
    """
    luma = 0.299 * full[0] + 0.587 * full[1] + 0.114 * full[2]
    ratios = torch.tensor(full, device=share.device) / luma
    hue = torch.lerp(torch.ones_like(ratios), ratios, share[:, None])
    return (brightness[:, None] * hue).clamp(0, 1)


def paint(sign: Tensor, cover: Tensor, colour: Tensor) -> Tensor:
    """Put paint of one colour on the sign, in place; alpha stays.

    Args:
        sign: (N, 4, H, W) premultiplied; overwritten and returned.
        cover: (N, H, W) in [0, 1].
        colour: (N, 3), straight.

    Example:
        >>> half = torch.tensor([0.5, 0.0, 0.0, 0.5]).view(1, 4, 1, 1)  # premultiplied red
        >>> paint(half, torch.ones(1, 1, 1), torch.tensor([[0.0, 1.0, 1.0]])).flatten().tolist()
        [0.0, 0.5, 0.5, 0.5]
    """
    sign[:, :3].mul_((1 - cover)[:, None])
    sign[:, :3].addcmul_((cover * sign[:, 3])[:, None], colour[:, :, None, None])
    return sign


def paint_grey(sign: Tensor, cover: Tensor, grey: Tensor) -> Tensor:
    """As `paint`, but of many greys: (N, H, W), premultiplied by `cover`.

    Example:
        >>> half = torch.tensor([0.5, 0.0, 0.0, 0.5]).view(1, 4, 1, 1)  # premultiplied red
        >>> veil = torch.full((1, 1, 1), 0.5)
        >>> paint_grey(half, veil, veil).flatten().tolist()
        [0.5, 0.25, 0.25, 0.5]
    """
    sign[:, :3].mul_((1 - cover)[:, None]).add_((grey * sign[:, 3])[:, None])
    return sign


def spread(field: Tensor, times: int = 1) -> Tensor:
    """A wide, cheap blur: means of a sixteenth of the crop, three by three of them, enlarged.

    Args:
        field: (N, 1, H, W); what lies beyond its edges counts for nothing.
        times: How often to take three by three: each time makes it wider and smoother.

    Returns:
        (N, 1, H, W).

    Example:
        >>> spread(torch.ones(1, 1, 9, 9)).mean().item()
        1.0
    """
    height, width = field.shape[2:]
    coarse = F.interpolate(field, size=(min(16, height), min(16, width)), mode="area")
    for _ in range(times):
        coarse = F.avg_pool2d(coarse, 3, stride=1, padding=1, count_include_pad=False)
    return F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)


def counted(u: Tensor, least: int, most: int) -> Tensor:
    """Whole numbers of a closed range, as float32 like all that is drawn."""
    return (u * (most - least + 1)).floor() + least
