"""Trains the finder, the small net that says where the sign is in its crop, and packs it as ONNX.

    python tools/train_finder.py --out src/raresign/framing/finder.onnx [--icons FOLDER] [--crops N]

It sees synthetic crops alone, at all framings: our drawings of Russian signs and the SVG icons of
FOLDER (the shipped finder: `package_signs` of the npm package mapillary_sprite_source, MIT).
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import lightning
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from raresign.errors import InputError
from raresign.signs.countries.drawn_folder import drawn_icons
from raresign.signs.countries.registry import standard
from raresign.signs.icons.icon_file import load_icon
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.outlines import icon_outlines, sign_boxes
from raresign.synthesis.preset import RoadPreset, load_preset
from raresign.synthesis.synthesiser import build_synthesiser

SIZE = 48
BATCH = 256
BACKGROUNDS = 120
OURS = 0.5  # share of crops that show our drawings, each class equally often
POSE = {  # every framing: the sign fills from 0.4 to 1.15 of its crop, is off-centre, stretched
    "margin": (-0.14, 0.05, 0.35, 0.8, 1.35),
    "shift": (-0.3, -0.08, 0.0, 0.08, 0.3),
    "stretch": (-0.9, -0.15, 0.0, 0.15, 0.9),
    "rotation": (-12.0, 12.0),
    "fit": 0.5,
}
VALIDATION = 4096


class FinderNet(nn.Module):
    """(N, 3, 48, 48) crops in [0, 1] -> (N, 4) middle x and y, half width and half height."""

    def __init__(self, widths: tuple[int, ...] = (16, 32, 48, 64, 64), hidden: int = 128) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, stride in zip((3, *widths), widths, (2, 2, 1, 2, 1), strict=False):
            convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
            layers += [convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        cells = (SIZE // 8) ** 2
        head = [nn.Linear(widths[-1] * cells, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, 4)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), *head)

    def forward(self, crops: Tensor) -> Tensor:
        mean = crops.mean((1, 2, 3), keepdim=True)
        deviation = (crops - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
        said = self.layers((crops - mean) / deviation.clamp_min(1 / 255))
        return torch.cat([said[:, :2], (said[:, 2:] - 0.4).exp()], 1)


def box_errors(said: Tensor, boxes: Tensor) -> Tensor:
    """(N, 4) errors as shares of the sign's half width and height; of the size as logarithms."""
    middle = (said[:, :2] - boxes[:, :2]) / boxes[:, 2:]
    return torch.cat([middle, (said[:, 2:] / boxes[:, 2:]).log()], 1)


def reframed(crops: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The crops cut anew, at a random place and zoom, half of them mirrored; and their boxes."""
    count = len(crops)
    zoom = (torch.rand(count, 2) * 0.5 - 0.3).exp()
    shift = (torch.rand(count, 2) - 0.5) * 0.3
    mirror = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1] = zoom[:, 0] * mirror, zoom[:, 1]
    matrix[:, :, 2] = shift
    grid = F.affine_grid(matrix, [count, 3, SIZE, SIZE], align_corners=False)
    cut = F.grid_sample(crops, grid, padding_mode="border", align_corners=False)
    boxes = torch.cat([(boxes[:, :2] - shift) / zoom, boxes[:, 2:] / zoom], 1)
    boxes[:, 0] *= mirror
    return cut, boxes


class FinderModule(lightning.LightningModule):
    """Smooth L1 loss on `box_errors`; the moving average of the weights is what is kept."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.net = FinderNet()
        self.steps = steps
        average = torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
        self.kept = torch.optim.swa_utils.AveragedModel(
            self.net, multi_avg_fn=average, use_buffers=True
        )

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        crops, boxes = reframed(batch[0].float() / 255, batch[1])
        errors = box_errors(self.net(crops), boxes)
        # What was cut too small, or shows only a part of the sign, teaches nothing.
        fits = (boxes[:, 2:].amax(1) < 1.35) & (boxes[:, 2:].amin(1) > 0.3)
        return F.smooth_l1_loss(errors[fits], torch.zeros_like(errors[fits]), beta=0.05)

    def on_train_batch_end(self, *_: object) -> None:
        self.kept.update_parameters(self.net)

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        errors = box_errors(self.kept(batch[0].float() / 255), batch[1]).abs()
        self.log("middle", errors[:, :2].median(), prog_bar=True)
        self.log("size", errors[:, 2:].median(), prog_bar=True)

    def configure_optimizers(self) -> dict[str, object]:
        optimiser = torch.optim.AdamW(self.net.parameters(), 3e-3, weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, self.steps, pct_start=0.1)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def synthetic_crops(folder: Path | None, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """(N, 3, 48, 48) uint8 crops and the (N, 4) boxes of their signs."""
    ours = drawn_icons("gost", standard("gost").codes)
    files = sorted(path for path in ours.iterdir() if path.suffix in (".png", ".svg"))
    codes = [path.stem.partition("@")[0] for path in files]
    pictures = [load_icon(path, 2 * SIZE, code) for path, code in zip(files, codes, strict=True)]
    looks = Counter(codes)
    shares = [OURS / len(looks) / looks[code] for code in codes]
    if folder is not None:
        theirs, refused = [], 0
        for path in sorted(folder.glob("*.svg")):
            try:
                theirs.append(load_icon(path, 2 * SIZE))
            except InputError:
                refused += 1
        print(f"{len(theirs)} icons of {folder}, {refused} refused", flush=True)
        shares += [(1 - OURS) / len(theirs)] * len(theirs)
        pictures += theirs
    preset = load_preset("road")
    assert isinstance(preset, RoadPreset)
    preset = preset.model_copy(update={"pose": preset.pose.model_copy(update=POSE)})
    icons = IconAtlas.from_pictures(pictures, [str(row) for row in range(len(pictures))], SIZE)
    photos = BackgroundAtlas.from_pictures(procedural_backgrounds(BACKGROUNDS, seed=0), SIZE)
    engine = build_synthesiser(preset, icons, photos, seed)
    outlines = icon_outlines(pictures)
    random = np.random.default_rng(seed)
    labels = random.choice(len(pictures), count, p=np.array(shares) / sum(shares))
    crops = torch.empty(count, 3, SIZE, SIZE, dtype=torch.uint8)
    boxes = torch.empty(count, 4)
    for rows in torch.arange(count).split(1024):
        made = engine.render(torch.from_numpy(labels)[rows], rows, record=True)
        crops[rows] = made.crops.mul(255).round().byte()
        boxes[rows] = sign_boxes(made, preset.pose, outlines)
    return crops, boxes


def write_onnx(net: nn.Module, path: Path) -> None:
    """Write the net with weights in half precision, which are made single again when it is read."""
    torch.onnx.export(
        net.eval(),
        (torch.zeros(1, 3, SIZE, SIZE),),
        str(path),
        input_names=["crops"],
        output_names=["box"],
        dynamo=False,
    )
    model = onnx.load(str(path))
    casts = []
    for weight in list(model.graph.initializer):
        if weight.data_type == TensorProto.FLOAT and np.prod(weight.dims) > 64:
            half = numpy_helper.to_array(weight).astype(np.float16)
            casts.append(
                helper.make_node(
                    "Cast", [f"{weight.name}.half"], [weight.name], to=TensorProto.FLOAT
                )
            )
            model.graph.initializer.remove(weight)
            model.graph.initializer.append(numpy_helper.from_array(half, f"{weight.name}.half"))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--icons", type=Path)
    parser.add_argument("--crops", type=int, default=160_000)
    parser.add_argument("--epochs", type=int, default=9)
    given = parser.parse_args()
    start = time.time()
    crops, boxes = synthetic_crops(given.icons, given.crops + VALIDATION, seed=1)
    print(f"{len(crops)} crops in {time.time() - start:.0f} s", flush=True)
    torch.manual_seed(0)
    training, validation = (
        TensorDataset(*(part[rows] for part in (crops, boxes)))
        for rows in (slice(VALIDATION, None), slice(VALIDATION))
    )
    module = FinderModule(given.epochs * (given.crops // BATCH))
    trainer = lightning.Trainer(
        max_epochs=given.epochs,
        logger=False,
        enable_checkpointing=False,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(
        module,
        DataLoader(training, BATCH, shuffle=True, drop_last=True),
        DataLoader(validation, VALIDATION),
    )
    said = {name: f"{float(value):.3f}" for name, value in trainer.callback_metrics.items()}
    print(f"median errors in half widths of the sign: {said}; {time.time() - start:.0f} s")
    write_onnx(module.kept.module, given.out)
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
