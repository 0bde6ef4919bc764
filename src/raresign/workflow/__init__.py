"""Workflows: what a user asks for as a whole, put together from the rooms below."""

from __future__ import annotations

from raresign.workflow.add_class import NewClass, add_class
from raresign.workflow.camera_fit import CameraFit
from raresign.workflow.catalogue_view import ClassRow, catalogue_rows
from raresign.workflow.compare_realism import RealismTable, compare_realism
from raresign.workflow.demo import demo
from raresign.workflow.drawn_signs import (
    DrawnRow,
    Likeness,
    compare_signs,
    drawn_rows,
    export_signs,
)
from raresign.workflow.evaluate import compare, evaluate, load_predictions
from raresign.workflow.finished_run import add_photos, remove_class
from raresign.workflow.fit_camera import fit_camera
from raresign.workflow.forecasts import judged_forecast
from raresign.workflow.inference import predict_logits
from raresign.workflow.predict import predict
from raresign.workflow.protocol import ProtocolRow, ProtocolTable, protocol, protocol_absent
from raresign.workflow.run_folder import RunFolder, load, machine, versions
from raresign.workflow.sign_sheets import sign_sheets
from raresign.workflow.source import LAYOUTS, DataFolder, is_drawn, open_data
from raresign.workflow.synth import SynthesisResult, synthesise
from raresign.workflow.synth_again import Verification, render_again, verify_crops
from raresign.workflow.synth_sheets import synth_sheets
from raresign.workflow.train import train

__all__ = [
    "LAYOUTS",
    "CameraFit",
    "ClassRow",
    "DataFolder",
    "DrawnRow",
    "Likeness",
    "NewClass",
    "ProtocolRow",
    "ProtocolTable",
    "RealismTable",
    "RunFolder",
    "SynthesisResult",
    "Verification",
    "add_class",
    "add_photos",
    "catalogue_rows",
    "compare",
    "compare_realism",
    "compare_signs",
    "demo",
    "drawn_rows",
    "evaluate",
    "export_signs",
    "fit_camera",
    "is_drawn",
    "judged_forecast",
    "load",
    "load_predictions",
    "machine",
    "open_data",
    "predict",
    "predict_logits",
    "protocol",
    "protocol_absent",
    "remove_class",
    "render_again",
    "sign_sheets",
    "synth_sheets",
    "synthesise",
    "train",
    "verify_crops",
    "versions",
]
