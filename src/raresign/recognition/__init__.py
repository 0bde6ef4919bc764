"""Recognition: prototypes, their calibrated fusion with the classifier, unknown and new signs."""

from __future__ import annotations

from raresign.recognition.build import (
    Rules,
    build_recogniser,
    fit_rules,
    index_synthesiser,
    no_sign_crops,
)
from raresign.recognition.calibrate import HeldOut, calibrate_fusion, calibrate_unknown
from raresign.recognition.class_facts import class_facts
from raresign.recognition.forecast import Forecast, fit_forecast
from raresign.recognition.forecast_quality import ForecastQuality, forecast_quality
from raresign.recognition.fusion import Fusion, balanced_weights, fit_fusion
from raresign.recognition.hard_gate import HardGate, fit_hard_gate
from raresign.recognition.icon_check import check_new_icon, known_look, refuse_known
from raresign.recognition.known_score import energy, max_cosine, max_probability
from raresign.recognition.new_class import fit_rows
from raresign.recognition.outputs import Outputs, index_outputs, net_outputs, tensor_outputs
from raresign.recognition.prototypes import SOURCES, PrototypeIndex
from raresign.recognition.recogniser import AddedClass, Recogniser, Recognition
from raresign.recognition.teach import teach
from raresign.recognition.unknown import LEVELS, UnknownRule

__all__ = [
    "LEVELS",
    "SOURCES",
    "AddedClass",
    "Forecast",
    "ForecastQuality",
    "Fusion",
    "HardGate",
    "HeldOut",
    "Outputs",
    "PrototypeIndex",
    "Recogniser",
    "Recognition",
    "Rules",
    "UnknownRule",
    "balanced_weights",
    "build_recogniser",
    "calibrate_fusion",
    "calibrate_unknown",
    "check_new_icon",
    "class_facts",
    "energy",
    "fit_forecast",
    "fit_fusion",
    "fit_hard_gate",
    "fit_rows",
    "fit_rules",
    "forecast_quality",
    "index_outputs",
    "index_synthesiser",
    "known_look",
    "max_cosine",
    "max_probability",
    "net_outputs",
    "no_sign_crops",
    "refuse_known",
    "teach",
    "tensor_outputs",
]
