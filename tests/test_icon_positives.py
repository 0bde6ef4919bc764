"""Icons as positives of a metric loss: seen by it alone, and forgotten by batch normalisation."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from raresign.losses.supcon import supervised_contrastive_loss
from raresign.models.sign_net import SignNet
from raresign.signs.catalogue.pictures import icon_crops
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.training.module import StageModule
from raresign.training.objective import classification_loss
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData

NewNet = Callable[[], SignNet]
Step = Callable[..., tuple[Tensor, StageModule]]


@pytest.fixture
def new_net(catalogue: SignCatalogue, training_data: TrainingData) -> NewNet:
    """Makes the same small net each time, with drop-out that draws."""

    def make() -> SignNet:
        torch.manual_seed(7)
        return SignNet(
            "test_efficientnet",
            len(catalogue),
            16,
            weights="none",
            crop_size=training_data.size,
            drop_rate=0.5,
        )

    return make


@pytest.fixture
def step(training_data: TrainingData, new_net: NewNet, monkeypatch: pytest.MonkeyPatch) -> Step:
    """The loss of one training step of a fresh net, and the module after it."""
    trainer = SimpleNamespace(global_rank=0, world_size=1, global_step=0)
    monkeypatch.setattr(StageModule, "trainer", trainer)
    monkeypatch.setattr(StageModule, "global_step", 0)
    monkeypatch.setattr(StageModule, "log", lambda *_, **__: None)

    def run(**metric: Any) -> tuple[Tensor, StageModule]:
        stage = Stage(kind="mixed", steps=4, real=4, synthetic=6, metric={**metric})
        module = StageModule(new_net(), stage, training_data, 0).train()
        torch.manual_seed(3)
        loss = module.training_step(None, 0)
        loss.backward()
        return loss.detach(), module

    return run


def test_the_loss_is_of_crops_and_icons(step: Step, new_net: NewNet) -> None:
    """Put together by hand: crops through the net, then icons, then the losses of either."""
    loss, module = step(loss="supcon", icons=True)
    batch, net = module.batches.batch(0, 0, 1), new_net().train()
    torch.manual_seed(3)
    output = net(batch.crops)
    present = sorted(set(batch.labels.tolist()))
    assert len(present) >= 2
    signs = [module.data.catalogue.classes[label] for label in present]
    icons = net(torch.from_numpy(icon_crops(signs, module.data.size)) / 255).embedding
    cross_entropy = classification_loss(module.stage, output.logits, batch.labels, batch.synthetic)
    metric = supervised_contrastive_loss(
        torch.cat([output.embedding, icons]),
        torch.cat([batch.labels, torch.tensor(present)]),
    )
    torch.testing.assert_close(loss, (cross_entropy + 0.2 * metric).detach())


def test_icons_leave_the_running_statistics_alone(step: Step) -> None:
    plain_loss, plain = step(loss="supcon")
    loss, module = step(loss="supcon", icons=True)
    assert loss != plain_loss
    for (name, own), other in zip(module.net.named_buffers(), plain.net.buffers(), strict=True):
        assert torch.equal(own, other), name


def test_without_weight_icons_change_nothing(step: Step) -> None:
    """Cross-entropy is the same to the bit, drop-out and all."""
    plain_loss, plain = step(loss="supcon", weight=0.0)
    loss, module = step(loss="supcon", weight=0.0, icons=True)
    assert loss == plain_loss
    for (name, own), other in zip(
        module.net.named_parameters(), plain.net.parameters(), strict=True
    ):
        torch.testing.assert_close(own.grad, other.grad, rtol=0, atol=0, msg=name)


def test_gradients_flow_through_icons(training_data: TrainingData, new_net: NewNet) -> None:
    stage = Stage(kind="pretrain", steps=1, real=2, metric={"loss": "supcon", "icons": True})
    module = StageModule(new_net(), stage, training_data, 0).train()
    found = module._icon_embeddings(torch.tensor([4, 1, 4, 3]))
    assert found is not None
    embedding, labels = found
    assert labels.tolist() == [1, 3, 4]
    assert embedding.shape == (3, 16)
    embedding.square().sum().backward()
    first = next(module.net.backbone.parameters())
    assert first.grad is not None
    assert first.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("metric", "labels"),
    [(None, [0, 1]), ({"loss": "supcon"}, [0, 1]), ({"loss": "supcon", "icons": True}, [2, 2])],
)
def test_no_icons_unless_asked_and_of_two_classes(
    training_data: TrainingData, new_net: NewNet, metric: dict[str, Any] | None, labels: list[int]
) -> None:
    stage = Stage(kind="pretrain", steps=1, real=2, metric=metric)
    module = StageModule(new_net(), stage, training_data, 0).train()
    assert module._icon_embeddings(torch.tensor(labels)) is None
