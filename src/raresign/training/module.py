"""The Lightning module: one step of a stage, and what is measured between steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import lightning
import torch
from torch import Tensor
from torchmetrics.classification import MulticlassRecall

from raresign.models.folding import folded
from raresign.models.freezing import freeze, frozen_statistics
from raresign.models.sign_net import SignNet, SignOutput
from raresign.seeds import mix_integers
from raresign.signs.catalogue.pictures import icon_crops
from raresign.training.batches import StageBatches
from raresign.training.objective import kept_answers_loss, stage_loss
from raresign.training.processes import SharedBatch
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData


class StageModule(lightning.LightningModule):
    """Trains a `SignNet` in place on the batches of one stage, stage `number` of the recipe.

    The loader only counts; the batch itself is composed from the global step, so a resumed run
    sees exactly the crops that an uninterrupted one would.
    """

    def __init__(self, net: SignNet, stage: Stage, data: TrainingData, number: int) -> None:
        super().__init__()
        self.net = net
        self.stage = stage
        self.data = data
        self.number = number
        self.progress = 0.0
        """Done share of the stage, in steps or in time, whichever is further."""
        self._batches: StageBatches | None = None
        freeze(net, stage.freeze)
        self.others: torch.nn.Linear | None = None
        """Classifier rows of the signs outside the catalogue; the net itself has none of them."""
        if stage.others:
            torch.manual_seed(mix_integers(data.seed, number))
            width = net.classifier.in_features
            self.others = torch.nn.Linear(width, len(data.others))
        self._earlier = answers_of(net) if stage.keep else None
        self._priors: Tensor | None = None
        self._icons: Tensor | None = None
        # Two sets of held-out crops, measured apart: recall averaged over crops (micro).
        self.recalls = torch.nn.ModuleDict(
            {
                name: MulticlassRecall(len(data.catalogue), average="micro")
                for name in ("validation_recall", "pseudo_rare_recall")
            }
        )

    @property
    def batches(self) -> StageBatches:
        """The stage's batches on the module's device."""
        if self._batches is None:
            self._batches = StageBatches(self.data, self.stage, self.number, self.device)
            if self.stage.prior == "domain":
                self._priors = self._batches.priors()
        return self._batches

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW on what is not frozen; biases and normalisation are not decayed."""
        trained = [p for p in self.parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in trained if p.ndim > 1]},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(
            groups, lr=self.stage.learning_rate, weight_decay=self.stage.weight_decay
        )

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate and the seed of drop-out for this step."""
        share = learning_rate_share(self.progress, self.stage.warmup)
        optimiser = cast(torch.optim.Optimizer, self.optimizers())
        for group in optimiser.param_groups:
            group["lr"] = self.stage.learning_rate * share
        rank = self.trainer.global_rank
        ranks = (rank,) if rank else ()  # drop-out differs, as it does from crop to crop
        torch.manual_seed(mix_integers(self.data.seed, self.number, self.global_step, *ranks))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Loss of the batch of this global step."""
        rank, processes = self.trainer.global_rank, self.trainer.world_size
        # Crops are made in float32 whatever the net's precision: hardware changes no crop.
        with torch.autocast(self.device.type, enabled=False):
            batch = self.batches.batch(self.global_step, rank, processes)
        shared = None
        if processes > 1:
            rows, total = self.batches.rows(self.global_step, rank, processes)
            shared = SharedBatch(rows, total, processes)
        if self.device.type == "cpu":
            batch = batch._replace(crops=batch.crops.contiguous(memory_format=torch.channels_last))
        output = self.net(batch.crops)  # first: icons must not shift what drop-out draws for crops
        if self.others is not None:
            more = self.others(torch.relu(output.embedding))
            output = output._replace(logits=torch.cat([output.logits, more], dim=1))
        labels = batch.labels
        if shared is not None and self.stage.metric is not None:
            labels = shared.whole(labels)
        icons = self._icon_embeddings(labels)
        loss = stage_loss(
            self.stage, output, batch.labels, batch.synthetic, self._priors, icons, shared
        )
        if self._earlier is not None:
            known = batch.labels < len(self.data.catalogue) - self.data.new
            earlier = self._earlier(batch.crops[known])
            own = output.logits[known, : earlier.shape[1]]
            kept = kept_answers_loss(own, earlier)
            if shared is not None:
                kept = shared.part_of_mean_over(kept, len(own))
            loss = loss + self.stage.keep * kept
        self.log("loss", loss, prog_bar=True, sync_dist=shared is not None)
        return loss

    def _icon_embeddings(self, labels: Tensor) -> tuple[Tensor, Tensor] | None:
        """Embedding (K, E) and labels (K,) of the icons of a batch's classes, for a metric loss."""
        metric = self.stage.metric
        present = labels[labels < len(self.data.catalogue)].unique()
        # A picture alone has no batch statistics.
        if metric is None or not metric.icons or len(present) < 2:
            return None
        if self._icons is None:
            pictures = icon_crops(self.data.catalogue.classes, self.data.size)
            self._icons = torch.from_numpy(pictures).to(self.device).float().div_(255)
        crops = self._icons[present]
        if self.device.type == "cpu":
            crops = crops.contiguous(memory_format=torch.channels_last)
        with frozen_statistics(self.net):
            return cast(SignOutput, self.net(crops)).embedding, present

    def validation_step(self, batch: Tensor, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Recall of one chunk of held-out crops; `batch` holds their indices."""
        rows = batch.cpu()
        crops = self.data.crops[rows].to(self.device).float().div_(255)
        recall = cast(MulticlassRecall, list(self.recalls.values())[dataloader_idx])
        labels = self.data.labels[rows].to(self.device)
        recall.update(self.net(crops).logits.argmax(1), labels)

    def on_validation_epoch_end(self) -> None:
        """Log the recalls of the crops that were measured."""
        for name, recall in self.recalls.items():
            metric = cast(MulticlassRecall, recall)
            if metric.update_count:  # each process has measured a part, or all have nothing
                self.log(name, metric.compute(), prog_bar=True)
            metric.reset()


def answers_of(net: SignNet) -> Callable[[Tensor], Tensor]:
    """Gives (N, C) logits of crops by the net as it is now; it may train on."""
    earlier = folded(net)

    @torch.no_grad()
    def logits(crops: Tensor) -> Tensor:
        said: SignOutput = earlier.to(crops.device)(crops)
        return said.logits

    return logits


def learning_rate_share(progress: float, warmup: float) -> float:
    """Factor of the learning rate in [0, 1] at the done share `progress` of a stage.

    It rises linearly over the `warmup` share, then falls along half a cosine to zero (Loshchilov
    and Hutter, "SGDR", ICLR 2017, without restarts). Progress is a share and not a step, so that a
    stage cut to a time limit still ends with a small rate.
    """
    progress = min(max(progress, 0.0), 1.0)
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / max(1 - warmup, 1e-9)))
