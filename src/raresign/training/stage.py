"""Settings of one training stage: a short YAML that a reader understands at a glance."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_CROPS = 65_536
"""Of a batch; more would fill any memory."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Contrastive(_Settings):
    """The metric stage's extra loss."""

    weight: float = Field(default=0.5, ge=0.0)
    margin: float = Field(default=2.0, gt=0.0)
    form: Literal["reference", "normalised"] = "reference"
    """`reference`: its formula; `normalised`: unit vectors, pairs of each kind averaged apart."""


class Metric(_Settings):
    """A metric-learning loss beside the cross-entropy, on the embedding."""

    loss: Literal["supcon"]
    weight: float = Field(default=0.2, ge=0.0)
    icons: bool = False
    """The icon of every class in the batch is one more positive of its crops."""


class Balanced(_Settings):
    """Batches of `classes` x `items`, each class equally often; half of the items are synthetic
    where a class has real crops, all of them where it has none."""

    classes: int = Field(default=32, ge=2, le=MOST_CROPS)
    items: int = Field(default=4, ge=1, le=MOST_CROPS)


class Stage(_Settings):
    """One stage of a recipe.

    Example:
        >>> Stage(kind="mixed", steps=100, real=64, synthetic=64).batch
        128
    """

    kind: Literal["pretrain", "synthetic", "mixed", "metric"]
    name: str = Field(default="", max_length=60, pattern=r"^[^/\\\x00-\x1f]*$")
    """How the stage is called in tables and its folder; its kind where empty."""
    start: Literal["previous", "weights"] = "previous"
    """Continue from the stage before, or start again from the backbone's weights."""
    freeze: Literal["none", "norms", "stem", "partial", "all-but-head"] = "none"
    """`partial` trains the last block and the head, as the reference's best run did; `norms`
    trains all but the batch normalisations, which keep their statistics, too."""
    steps: int = Field(ge=1, le=100_000_000)
    real: int = Field(default=0, ge=0, le=MOST_CROPS)
    """Real crops a batch."""
    synthetic: int = Field(default=0, ge=0, le=MOST_CROPS)
    """Synthetic crops a batch."""
    others: int = Field(default=0, ge=0, le=MOST_CROPS)
    """Further synthetic crops a batch, of signs outside the catalogue: drawings of ours and
    invented ones, each a class of its own while the stage lasts: every stage names them for itself,
    and begins with new rows for them. So signs that are added later, or unknown, find room."""
    balanced: Balanced | None = None
    """Class-balanced batches instead of fixed shares."""
    preset: str = "road"
    """Synthesis preset: a name or a YAML file."""
    augment: bool = True
    """Jitter real crops with the road engine's light and camera."""
    flips: Literal["none", "twin", "blind"] = "twin"
    """`twin` mirrors real crops of signs whose mirror image is a sign, and its label with it;
    `blind` is the reference's fault 2: half of all real crops, labels kept."""
    real_power: float = Field(default=0.5, ge=0.0, le=1.0)
    """1 serves real crops as often as they are, 0 every class equally often."""
    learning_rate: float = Field(default=1e-3, gt=0.0)
    weight_decay: float = Field(default=0.05, ge=0.0)
    warmup: float = Field(default=0.05, ge=0.0, le=1.0)
    """Share of the stage in which the learning rate rises; then it falls along a cosine."""
    label_smoothing: float = Field(default=0.1, ge=0.0, lt=1.0)
    prior: Literal["none", "domain"] = "none"
    """`domain` adds the logarithm of how often a crop's domain, real or synthetic, serves each
    class to its logits in training (balanced softmax): "looks real" then says nothing about the
    class."""
    prior_strength: float = Field(default=1.0, gt=0.0, le=1.0)
    """Of those shares; the rest of 1 is shared by all classes evenly. Below 1, which needs
    `prior: domain`, a real crop also teaches, a little, that it shows none of the rare classes."""
    contrastive: Contrastive | None = None
    metric: Metric | None = None
    keep: float = Field(default=0.0, ge=0.0)
    """Weight of a loss that keeps the answers that the net gave before the stage: the KL divergence
    of its answers to crops of classes that are not new from those."""
    averaging: float = Field(default=0.99, ge=0.0, lt=1.0)
    """Decay of the moving average of the weights, which is what is kept; 0 for none."""
    hold_out: bool = True
    """Keep the real crops of pseudo-rare classes and the validation crops out of training."""
    validate_every: int = Field(default=100, ge=1, le=1_000_000)
    """Steps between measurements and checkpoints."""

    @model_validator(mode="after")
    def _prior_fits_the_shares(self) -> Stage:
        if self.prior != "none" and not (self.balanced or (self.real and self.synthetic)):
            raise ValueError("'prior' needs real and synthetic crops in one batch")
        if self.prior_strength < 1 and self.prior == "none":
            raise ValueError("'prior_strength' below 1 needs 'prior: domain'")
        return self

    @model_validator(mode="after")
    def _shares_fit_the_kind(self) -> Stage:
        if self.kind == "metric" or self.balanced:
            if self.real or self.synthetic:
                raise ValueError("'balanced' decides the shares; leave out 'real' and 'synthetic'")
            if not self.balanced:
                raise ValueError("a metric stage needs 'balanced: {classes: 32, items: 4}'")
            if self.kind in ("pretrain", "synthetic"):
                raise ValueError(f"'balanced' mixes real and synthetic crops: no {self.kind} stage")
        elif self.kind == "pretrain" and (not self.real or self.synthetic):
            raise ValueError("a pretrain stage takes real crops only: set 'real', not 'synthetic'")
        elif self.kind == "synthetic" and (self.real or not self.synthetic):
            raise ValueError("a synthetic stage takes no real crops: set 'synthetic', not 'real'")
        elif self.kind == "mixed" and not (self.real and self.synthetic):
            raise ValueError("a mixed stage needs both 'real' and 'synthetic' crops a batch")
        return self

    @model_validator(mode="after")
    def _others_fit_the_kind(self) -> Stage:
        if self.others and not self.synthetic:
            raise ValueError("'others' needs synthetic crops of the classes beside it")
        return self

    @property
    def batch(self) -> int:
        """Crops a batch."""
        if self.balanced:
            return self.balanced.classes * self.balanced.items
        return self.real + self.synthetic + self.others

    @property
    def title(self) -> str:
        """What tables call the stage."""
        return self.name or self.kind
