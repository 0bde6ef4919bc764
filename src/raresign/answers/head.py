"""From embeddings to answers: classifier and prototypes joined, and the level at which to answer.

NumPy alone: whatever computes the embeddings, PyTorch or another runtime, the answers are these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from raresign.answers.added_class import AddedClass
from raresign.answers.answer_policy import AnswerPolicy
from raresign.answers.fusion import Fusion
from raresign.answers.known_score import known_features
from raresign.answers.numerics import log_sum_exp, sigmoid, softmax
from raresign.answers.prototypes import SOURCES, PrototypeIndex
from raresign.answers.recognition import Recognition
from raresign.answers.unknown_rule import SURE_DIGITS, UnknownRule, family_probabilities
from raresign.errors import InputError


@dataclass(frozen=True, eq=False)
class Head:
    """Everything that answers need beside the embedding of a crop.

    Attributes:
        rows: (C, E) float32 rows of the classifier, those of added classes last.
        biases: (C,) float32; a class's logit is row . features + bias.
        families: (C,) names.
        rare: (C,) bool, classes without a real training crop.
        index: Prototypes of all classes.
        lengths: (M,) float32 lengths of the index's embeddings, which it keeps normalised.
        fusion: The rule that joins both parts.
        rule: When to say "unknown"; None answers always with a class.
        no_sign: (E + 1,) float32 row and bias of "no sign"; None without a rule.
        lifts: Label and (E + 1,) of each class with photos, see `with_photos`; not saved here.
        policy: See `accepting`, `cautious`, `allowing`; not saved.

    Raises:
        InputError: Rows, biases, families and rare classes that do not belong together.

    Example:
        >>> head = Head.plain(np.eye(2), np.zeros(2), ["ring", "disc"], np.array([False, True]))
        >>> head.judge(np.array([[2.0, -1.0]])).logits.tolist()
        [[2.0, 0.0]]
    """

    rows: np.ndarray
    biases: np.ndarray
    families: tuple[str, ...]
    rare: np.ndarray
    index: PrototypeIndex
    lengths: np.ndarray
    fusion: Fusion
    rule: UnknownRule | None = None
    no_sign: np.ndarray | None = None
    lifts: tuple[tuple[int, np.ndarray], ...] = ()
    policy: AnswerPolicy = field(default_factory=AnswerPolicy)

    def __post_init__(self) -> None:
        shapes = self.rows.shape[:1], self.biases.shape, self.rare.shape
        if self.rows.ndim != 2 or set(shapes) != {(len(self.families),)}:
            raise InputError(
                f"a classifier of rows {self.rows.shape} and biases {self.biases.shape} for "
                f"{len(self.families)} classes",
                "restore the files that belong together",
            )

    @classmethod
    def plain(
        cls, rows: np.ndarray, biases: np.ndarray, families: Sequence[str], rare: np.ndarray
    ) -> Head:
        """The classifier alone, as the published system answers."""
        none = np.empty(0, np.int64)
        nothing = PrototypeIndex(np.empty((0, rows.shape[1])), none, none, len(families))
        lengths = np.empty(0, np.float32)
        return cls(rows, biases, tuple(families), rare, nothing, lengths, Fusion())

    def judge(self, embedding: np.ndarray) -> Recognition:
        """Answers for crops.

        Args:
            embedding: (N, E) float32 of an encoder, before the ReLU.

        Raises:
            InputError: Another shape, or a number that is not finite.
        """
        features, logits, cosines = self._parts(embedding)
        joined = self._joined(features, logits, cosines)
        shares, every = softmax(joined), None
        seen, near_to = logits, cosines  # of the classes that may be answered
        if (allowed := self.policy.allowed) is not None:
            every, none = shares, np.array(-np.inf, joined.dtype)
            shares = softmax(np.where(allowed, joined, none))
            seen = np.where(allowed, logits, none)
            near_to = np.where(allowed, cosines, np.array(-1, cosines.dtype))
        of_family, names = family_probabilities(shares, self.families)
        family, confidence = of_family.argmax(1), of_family.max(1).round(SURE_DIGITS)
        count = len(logits)
        known, sign, levels = np.ones(count), np.ones(count), np.zeros(count, np.int8)
        if self.rule is not None and count:
            near = self._near_photos(embedding, near_to)
            known = self.rule.score.of(known_features(shares, near, seen))
            sign = self.sign_score(logits, features)
        if count:
            levels = self.policy.levels(self.rule, shares, known, confidence, sign)
        return Recognition(
            shares,
            logits,
            cosines,
            embedding,
            levels,
            known,
            names,
            family,
            confidence,
            sign,
            allowed,
            every,
        )

    def scores(self, embedding: np.ndarray) -> np.ndarray:
        """(N, C) joined scores, whose softmax are the probabilities, of (N, E) embeddings."""
        return self._joined(*self._parts(embedding))

    def scores_and_sign(self, embedding: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`scores`, and (N,) the log odds that there is a sign, infinite without a rule."""
        features, logits, cosines = self._parts(embedding)
        odds = np.full(len(logits), np.inf)
        if self.no_sign is not None:
            odds = log_sum_exp(logits) - (features @ self.no_sign[:-1] + self.no_sign[-1])
        return self._joined(features, logits, cosines), odds

    def _parts(self, embedding: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N, E) features, (N, C) logits and (N, C) cosines of (N, E) embeddings."""
        features = self.features(embedding)
        logits = features @ self.rows.T + self.biases
        if self.index.present.any():
            return features, logits, self.index.similarities(embedding, "mean")
        return features, logits, np.zeros_like(logits)

    def _joined(self, features: np.ndarray, logits: np.ndarray, cosines: np.ndarray) -> np.ndarray:
        """(N, C) scores of both parts, and the lifts of classes with photos."""
        scores: np.ndarray = self.fusion.scores(logits, cosines, self.rare)
        for label, lift in self.lifts:
            scores[:, label] += features @ lift[:-1] + lift[-1]
        return scores

    def _near_photos(self, embedding: np.ndarray, cosines: np.ndarray) -> np.ndarray:
        """(N, C) cosines; where a class has photos, that of the nearest one if it is higher.

        What looks like a photo of a known sign is known, however little it looks like the icon.
        """
        if not self.lifts:
            return cosines
        near: np.ndarray = cosines.copy()
        photo = self.index.sources == SOURCES.index("real")
        unit = embedding / np.maximum(np.linalg.norm(embedding, axis=1, keepdims=True), 1e-12)
        for label, _ in self.lifts:
            if self.policy.allowed is not None and not self.policy.allowed[label]:
                continue
            seen = self.index.embeddings[photo & (self.index.labels == label)]
            near[:, label] = np.maximum(near[:, label], (unit @ seen.T).max(1))
        return near

    def accepting(self, probability: float) -> Head:
        """The head that names a crop where its class has at least this probability, and only there.

        Other crops are answered as ever: by family, as a sign, as none; a crop that looks like no
        sign is not named either. At 0 every crop is named.

        Args:
            probability: In [0, 1].

        Raises:
            InputError: It is outside.

        Example:
            >>> head = Head.plain(np.eye(2), np.zeros(2), ["ring", "disc"], np.array([False] * 2))
            >>> crops = np.array([[4.0, 0.0], [1.0, 0.0]])
            >>> head.accepting(0.9).judge(crops).level_names()
            ['class', 'sign']
        """
        return replace(self, policy=replace(self.policy, accept=probability))

    def cautious(self, probability: float | np.ndarray) -> Head:
        """The head that names a crop only where its rule does and its class has this probability.

        Args:
            probability: In [0, 1]; one, or (C,) one a class.

        Raises:
            InputError: It is not in [0, 1], or of another shape.

        Example:
            >>> head = Head.plain(np.eye(2), np.zeros(2), ["ring", "disc"], np.array([False] * 2))
            >>> head.cautious(0.9).judge(np.array([[4.0, 0.0], [1.0, 0.0]])).level_names()
            ['class', 'sign']
        """
        shape = np.shape(probability)
        if shape not in ((), (len(self.families),)):
            raise InputError(f"{shape} probabilities", f"give ({len(self.families)},)")
        return replace(self, policy=replace(self.policy, least=probability))

    def allowing(self, allowed: np.ndarray) -> Head:
        """The head that answers with some classes alone, as if there were no others.

        Probabilities add up to 1 over the classes that are allowed. A crop of another class looks
        unknown, as that of a class that the head never knew.

        Args:
            allowed: (C,) bool, at least one true.

        Raises:
            InputError: Another shape, or no class is allowed.

        Example:
            >>> head = Head.plain(np.eye(3), np.zeros(3), ["ring"] * 3, np.array([False] * 3))
            >>> crops = np.array([[4.0, 1.0, 1.0]])
            >>> head.allowing(np.array([False, True, True])).judge(crops).probabilities.tolist()
            [[0.0, 0.5, 0.5]]
        """
        allowed = np.asarray(allowed)
        if allowed.shape != (len(self.families),) or allowed.dtype != np.bool_:
            raise InputError(f"{allowed.shape} classes", f"give ({len(self.families)},) bool")
        every = None if allowed.all() else allowed
        return replace(self, policy=replace(self.policy, allowed=every))

    def features(self, embedding: np.ndarray) -> np.ndarray:
        """(N, E) what the classifier's rows multiply, of (N, E) embeddings: their ReLU."""
        if embedding.ndim != 2 or embedding.shape[1] != self.rows.shape[1]:
            raise InputError(
                f"embeddings of shape {embedding.shape}", f"give (N, {self.rows.shape[1]})"
            )
        if not np.isfinite(embedding).all():
            raise InputError("an embedding is not finite", "look for the crop that gives it")
        features: np.ndarray = np.maximum(embedding, np.float32(0))
        return features

    def sign_score(self, logits: np.ndarray, features: np.ndarray) -> np.ndarray:
        """(N,) chance that there is a sign: 1 less the softmax of "no sign" among all classes.

        Args:
            logits: (N, C).
            features: (N, E), see `features`.
        """
        if self.no_sign is None:
            return np.ones(len(logits))
        return sigmoid(log_sum_exp(logits) - (features @ self.no_sign[:-1] + self.no_sign[-1]))

    def with_classes(self, added: Sequence[AddedClass]) -> Head:
        """The head with added classes; what it has of earlier ones stays."""
        if not added:
            return self
        families = (*self.families, *(one.family for one in added))
        new = np.concatenate([one.embedding for one in added])
        counts = [len(one.embedding) for one in added]
        labels = np.arange(len(self.families), len(families)).repeat(counts)
        sources = np.concatenate([one.sources for one in added])
        return replace(
            self,
            rows=np.concatenate([self.rows, np.stack([one.row for one in added])]),
            biases=np.append(self.biases, np.array([one.bias for one in added], np.float32)),
            families=families,
            rare=np.append(self.rare, np.ones(len(added), bool)),
            index=self.index.add(new, labels, sources, len(families)),
            lengths=np.append(self.lengths, np.linalg.norm(new, axis=1)),
        )

    def with_prototypes(self, embedding: np.ndarray, labels: np.ndarray, source: str) -> Head:
        """The head with (n, E) embeddings of (n,) known classes as prototypes of a source."""
        index = self.index.add(embedding, labels, source)
        lengths = np.append(self.lengths, np.linalg.norm(embedding, axis=1))
        return replace(self, index=index, lengths=lengths)

    def with_photos(self, label: int, embedding: np.ndarray, lift: np.ndarray | None) -> Head:
        """The head with real photos of a class as prototypes, and what is added to its score.

        Args:
            label: The class.
            embedding: (n, E) of the photos.
            lift: (E + 1,) of `fit_lift`: features . lift[:-1] + lift[-1] is added to the joined
                score of the class; None adds nothing.
        """
        more = self.with_prototypes(embedding, np.full(len(embedding), label), "real")
        return more if lift is None else replace(more, lifts=(*self.lifts, (label, lift)))

    @property
    def knows_all_by_prototypes(self) -> bool:
        """Whether every class has prototypes; a run of the classifier alone has none."""
        return len(np.unique(self.index.labels)) == len(self.families)

    def index_features(self) -> np.ndarray:
        """(M, E) what the rows multiply, of every crop in the index."""
        return self.features(self.index.embeddings * self.lengths[:, None])
