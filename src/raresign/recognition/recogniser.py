"""From crops to answers: classifier and prototypes joined, and the level at which to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from raresign.models import SignNet
from raresign.recognition.calibrate import SURE_DIGITS
from raresign.recognition.fusion import Fusion
from raresign.recognition.known_score import known_score
from raresign.recognition.outputs import Outputs, net_outputs
from raresign.recognition.prototypes import PrototypeIndex
from raresign.recognition.unknown import LEVELS, UnknownRule, family_probabilities


@dataclass(frozen=True)
class Recognition:
    """What is said of N crops.

    Attributes:
        probabilities: (N, C) float32, each row sums to 1; as if every crop showed a known sign.
        logits: (N, C) float32 of the classifier alone.
        cosines: (N, C) of crop and class mean, in [-1, 1].
        embedding: (N, E) float32.
        levels: (N,) int8, position in `LEVELS`: class, family, sign, none.
        known: (N,) chance that the class is in the catalogue; 1 without a rule.
        families: Names of the families.
        family: (N,) int64, the most probable one.
        family_confidence: (N,) its probability.
        sign: (N,) chance that there is a sign at all; 1 without a rule.
    """

    probabilities: np.ndarray
    logits: np.ndarray
    cosines: np.ndarray
    embedding: np.ndarray
    levels: np.ndarray
    known: np.ndarray
    families: tuple[str, ...]
    family: np.ndarray
    family_confidence: np.ndarray
    sign: np.ndarray

    def level_names(self) -> list[str]:
        """(N) "class", "family", "sign" or "none"."""
        return [LEVELS[number] for number in self.levels.tolist()]


@dataclass(frozen=True)
class AddedClass:
    """A class that came after training: a row of the classifier and prototypes.

    Attributes:
        family: Shape and colour.
        row: (E,) float32, `bias` a number: its logit is row . features + bias.
        bias: See `row`.
        embedding: (k, E) float32 of its crops, in the order of `SOURCES`: made, icon, real.
        sources: (k,) uint8, positions in `SOURCES`.
    """

    family: str
    row: np.ndarray
    bias: float
    embedding: np.ndarray
    sources: np.ndarray


@dataclass(frozen=True, eq=False)
class Recogniser:
    """A trained net with everything that answers need.

    Attributes:
        net: The classifier of the first C classes.
        families: (C,) names, those of added classes included.
        rare: (C,) bool, classes without a real training crop.
        index: Prototypes of all classes.
        lengths: (M,) float32 lengths of the index's embeddings, which it keeps normalised.
        fusion: The rule that joins both parts.
        rule: When to say "unknown"; None answers always with a class.
        no_sign: (E + 1,) float32 row and bias of "no sign"; None without a rule.
        rows: (A, E) and (A,) rows and biases of added classes.
    """

    net: SignNet
    families: tuple[str, ...]
    rare: np.ndarray
    index: PrototypeIndex
    lengths: Tensor
    fusion: Fusion
    rule: UnknownRule | None = None
    no_sign: np.ndarray | None = None
    rows: tuple[np.ndarray, np.ndarray] | None = None

    @classmethod
    def plain(cls, net: SignNet, families: Sequence[str], rare: np.ndarray) -> Recogniser:
        """The classifier alone, as the reference system answers."""
        nothing = PrototypeIndex(
            torch.empty(0, net.settings["embedding"]),
            torch.empty(0, dtype=torch.int64),
            torch.empty(0, dtype=torch.uint8),
            len(families),
        )
        return cls(net, tuple(families), rare, nothing, torch.empty(0), Fusion())

    def recognise(self, crops: np.ndarray) -> Recognition:
        """Answers for crops, (N, 3, S, S) uint8."""
        return self.judge(net_outputs(self.net, crops))

    def judge(self, outputs: Outputs) -> Recognition:
        """Answers for crops that went through the net already."""
        features = self.features(outputs.embedding)
        logits = self.logits(outputs.logits, features)
        embedding = torch.from_numpy(outputs.embedding)
        if len(self.index):
            cosines = self.index.similarities(embedding, "mean")
        else:
            cosines = torch.zeros(len(logits), len(self.families))
        scores = self.fusion.scores(logits, cosines, torch.from_numpy(self.rare))
        probabilities = scores.softmax(1).float().numpy()
        of_family, names = family_probabilities(probabilities, self.families)
        family, confidence = of_family.argmax(1), of_family.max(1).round(SURE_DIGITS)
        count = len(logits)
        known, sign = np.ones(count), np.ones(count)
        levels = np.zeros(count, np.int8)
        if self.rule is not None and count:
            known = known_score(probabilities, cosines.numpy(), logits.numpy(), self.rule.score)
            sign = self.sign_score(logits, features)
            levels = self.rule.levels.answer(known, confidence, sign)
        return Recognition(
            probabilities,
            logits.numpy(),
            cosines.numpy(),
            outputs.embedding,
            levels,
            known,
            names,
            family,
            confidence,
            sign,
        )

    def features(self, embedding: np.ndarray) -> Tensor:
        """(N, E) what the classifier's rows multiply."""
        return torch.relu(torch.from_numpy(embedding))

    def logits(self, of_net: np.ndarray, features: Tensor) -> Tensor:
        """(N, C) logits, added classes last."""
        logits = torch.from_numpy(of_net)
        if self.rows is None:
            return logits
        rows, biases = map(torch.from_numpy, self.rows)
        return torch.cat([logits, features @ rows.T + biases], 1)

    def sign_score(self, logits: Tensor, features: Tensor) -> np.ndarray:
        """(N,) chance that there is a sign: 1 less the softmax of "no sign" among all classes."""
        if self.no_sign is None:
            return np.ones(len(logits))
        none = features @ torch.from_numpy(self.no_sign[:-1]) + float(self.no_sign[-1])
        score: np.ndarray = torch.sigmoid(logits.logsumexp(1) - none).double().numpy()
        return score

    def with_classes(self, added: Sequence[AddedClass]) -> Recogniser:
        """The recogniser with classes that came later; what it has of earlier ones stays."""
        if not added:
            return self
        families = (*self.families, *(one.family for one in added))
        new = torch.from_numpy(np.concatenate([one.embedding for one in added]))
        counts = [len(one.embedding) for one in added]
        labels = np.arange(len(self.families), len(families)).repeat(counts)
        index = self.index.add(
            new,
            torch.from_numpy(labels),
            torch.from_numpy(np.concatenate([one.sources for one in added])),
            len(families),
        )
        rows = (
            np.stack([one.row for one in added]),
            np.array([one.bias for one in added], np.float32),
        )
        if self.rows is not None:
            rows = np.concatenate([self.rows[0], rows[0]]), np.concatenate([self.rows[1], rows[1]])
        rare = np.concatenate([self.rare, np.ones(len(added), bool)])
        lengths = torch.cat([self.lengths, new.norm(dim=1)])
        return replace(self, families=families, rare=rare, index=index, lengths=lengths, rows=rows)

    def with_real(self, embedding: np.ndarray, label: int) -> Recogniser:
        """The recogniser with real crops of a class among its prototypes.

        Args:
            embedding: (n, E) float32.
            label: Of the class.
        """
        rows = torch.from_numpy(embedding)
        labels = torch.full((len(rows),), label)
        index = self.index.add(rows, labels, "real", len(self.families))
        return replace(self, index=index, lengths=torch.cat([self.lengths, rows.norm(dim=1)]))

    def classifier_rows(self) -> tuple[Tensor, Tensor]:
        """(C, E) rows and (C,) biases of all classes, added ones last."""
        weight, bias = self.net.rows()
        if self.rows is None:
            return weight, bias
        rows, biases = map(torch.from_numpy, self.rows)
        return torch.cat([weight, rows]), torch.cat([bias, biases])

    def index_features(self) -> Tensor:
        """(M, E) what the rows multiply, of every crop in the index."""
        return self.features((self.index.embeddings * self.lengths[:, None]).numpy())

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and plain values from which `from_state` makes the same, the net left out."""
        tensors = {f"index.{name}": value for name, value in self.index.state().items()}
        if self.no_sign is not None:
            tensors["no_sign"] = torch.from_numpy(self.no_sign)
        tensors["lengths"] = self.lengths
        plain = {
            "families": list(self.families),
            "rare": self.rare.tolist(),
            "fusion": self.fusion.as_dict(),
            "rule": self.rule.as_dict() if self.rule else None,
        }
        return tensors, plain

    @classmethod
    def from_state(
        cls, net: SignNet, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]
    ) -> Recogniser:
        """What `state` gave.

        Raises:
            InputError, KeyError: Parts are missing or wrong.
        """
        index = {
            name.removeprefix("index."): value
            for name, value in tensors.items()
            if name.startswith("index.")
        }
        none = tensors.get("no_sign")
        return cls(
            net,
            tuple(plain["families"]),
            np.array(plain["rare"], dtype=bool),
            PrototypeIndex.from_state(index, len(plain["families"])),
            tensors["lengths"],
            Fusion.from_dict(plain["fusion"]),
            UnknownRule.from_dict(plain["rule"]) if plain["rule"] else None,
            none.float().numpy() if none is not None else None,
        )
