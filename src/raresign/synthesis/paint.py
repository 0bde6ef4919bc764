"""Shapes and paint on the plane of a plate, with edges about one pixel soft."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.synthesis.textures import grain, look_up, tile_on


def pixel_size(plate: Tensor) -> Tensor:
    """How far one pixel reaches on the plate, along its x and its y.

    Args:
        plate: (N, H, W, 2) plate coordinates.

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


def turned(plate: Tensor, x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates about a point of the plate, turned by an angle.

    Args:
        plate: (N, H, W, 2).
        x: (N,), with `y` the point.
        y: (N,).
        angle: (N,) radians, from x towards y.

    Returns:
        Along and across the turned axis, (N, H, W) each.

    Example:
        >>> right_of_it = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
        >>> zero = torch.zeros(1)
        >>> along, across = turned(right_of_it, zero, zero, zero)
        >>> along.item(), across.item()
        (1.0, 0.0)
    """
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    x, y = x[:, None, None], y[:, None, None]
    along = torch.addcmul(-(cos * x + sin * y), plate[..., 0], cos).addcmul_(plate[..., 1], sin)
    across = torch.addcmul(sin * x - cos * y, plate[..., 1], cos).addcmul_(plate[..., 0], -sin)
    return along, across


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
    """Coherent noise that sticks to the plate.

    Args:
        plate: (N, H, W, 2).
        width: (N,) of its largest blotches, in plate widths.
        height: (N,), likewise.
        where: (N, 2) in [0, 1), the place in the texture.

    Returns:
        (N, H, W) evenly distributed over [0, 1].

    Example:
        >>> plate = torch.rand(2, 8, 8, 2)
        >>> grain_on(plate, torch.ones(2), torch.ones(2), torch.rand(2, 2)).shape
        torch.Size([2, 8, 8])
    """
    # A tile holds 8 blotches a side; a plate is 2 units wide.
    scale = (1 / 16) / torch.stack([width, height], 1)
    places = torch.addcmul(where[:, None, None], plate, scale[:, None, None])
    return look_up(tile_on(grain, plate.device), places)[:, 0]


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
    return (
        brightness[:, None] * torch.lerp(torch.ones_like(ratios), ratios, share[:, None])
    ).clamp(0, 1)


def paint(sign: Tensor, cover: Tensor, colour: Tensor) -> Tensor:
    """A new layer with paint on the sign; alpha stays to the bit.

    Args:
        sign: (N, 4, H, W) premultiplied.
        cover: (N, H, W) in [0, 1].
        colour: (N, 3), straight.

    Example:
        >>> half = torch.tensor([0.5, 0.0, 0.0, 0.5]).view(1, 4, 1, 1)  # premultiplied red
        >>> paint(half, torch.ones(1, 1, 1), torch.tensor([[0.0, 1.0, 1.0]])).flatten().tolist()
        [0.0, 0.5, 0.5, 0.5]
    """
    opaque = torch.cat([colour, torch.ones_like(colour[:, :1])], 1)[:, :, None, None]
    return torch.lerp(sign, sign[:, 3:] * opaque, cover[:, None])


def paint_many(sign: Tensor, cover: Tensor, colour: Tensor) -> Tensor:
    """A new layer with paint of many colours on the sign; alpha stays to the bit.

    Args:
        sign: (N, 4, H, W) premultiplied.
        cover: (N, H, W) in [0, 1]; overwritten.
        colour: (N, 1 or 3, H, W), premultiplied by `cover`.

    Example:
        >>> half = torch.tensor([0.5, 0.0, 0.0, 0.5]).view(1, 4, 1, 1)  # premultiplied red
        >>> veil = torch.full((1, 1, 1), 0.5)
        >>> paint_many(half, veil, torch.full((1, 1, 1, 1), 0.5)).flatten().tolist()
        [0.5, 0.25, 0.25, 0.5]
    """
    painted = sign.clone()
    painted[:, :3].mul_(cover.neg_().add_(1)[:, None]).addcmul_(sign[:, 3:], colour)
    return painted


def spread(field: Tensor) -> Tensor:
    """A wide, cheap blur: means of a sixteenth of the crop, three by three of them, enlarged.

    Args:
        field: (N, 1, H, W); what lies beyond its edges counts for nothing.

    Returns:
        (N, 1, H, W).

    Example:
        >>> spread(torch.ones(1, 1, 9, 9)).mean().item()
        1.0
    """
    height, width = field.shape[2:]
    coarse = F.interpolate(field, size=(min(16, height), min(16, width)), mode="area")
    coarse = F.avg_pool2d(coarse, 3, stride=1, padding=1, count_include_pad=False)
    return F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)


def counted(u: Tensor, least: int, most: int) -> Tensor:
    """Whole numbers of a closed range, as float32 like all that is drawn.

    Example:
        >>> counted(torch.tensor([0.0, 0.5, 0.99]), 0, 2).tolist()
        [0.0, 1.0, 2.0]
    """
    return (u * (most - least + 1)).floor() + least
