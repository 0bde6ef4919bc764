"""raresign: a traffic-sign classifier for signs that nobody has photographed.

The public API is flat; every name is loaded when it is first used, so `import raresign` is quick.

Example:
    >>> import raresign
    >>> "train" in dir(raresign)
    True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raresign.bench import run_bench
    from raresign.catalogue import SignCatalogue, SignClass, load_icon, sign_name
    from raresign.datasets import (
        CropPack,
        CropTable,
        from_coco,
        from_csv,
        from_files,
        from_folders,
        from_gtsrb,
        from_reference,
        from_yolo,
        pack_crops,
    )
    from raresign.errors import InputError, Interrupted
    from raresign.evaluation import (
        Metrics,
        Predictions,
        compare_predictions,
        evaluate_predictions,
        seeds_interval,
    )
    from raresign.losses import contrastive_loss, reference_contrastive_loss
    from raresign.models import SignNet
    from raresign.realism import Realism, StatisticGap
    from raresign.report import write_report
    from raresign.sampling import BalancedBatches
    from raresign.signs import STANDARDS, Standard, render_sign, standard
    from raresign.synthesis import (
        GROUPS,
        BackgroundAtlas,
        IconAtlas,
        build_synthesiser,
        load_preset,
        preset_names,
        without,
    )
    from raresign.training import Hardware, Recipe, load_recipe, recipe_names
    from raresign.workflow import (
        LAYOUTS,
        Likeness,
        ProtocolTable,
        RunFolder,
        add_class,
        add_photos,
        catalogue_rows,
        compare,
        compare_realism,
        compare_signs,
        demo,
        drawn_rows,
        evaluate,
        export_signs,
        fit_camera,
        is_drawn,
        load,
        load_predictions,
        open_data,
        predict,
        protocol,
        protocol_absent,
        remove_class,
        render_again,
        sign_sheets,
        synth_sheets,
        synthesise,
        train,
        verify_crops,
    )

_HOME = {
    "bench": ["run_bench"],
    "catalogue": ["SignCatalogue", "SignClass", "load_icon", "sign_name"],
    "datasets": [
        "CropPack",
        "CropTable",
        "from_coco",
        "from_csv",
        "from_files",
        "from_folders",
        "from_gtsrb",
        "from_reference",
        "from_yolo",
        "pack_crops",
    ],
    "errors": ["InputError", "Interrupted"],
    "evaluation": [
        "Metrics",
        "Predictions",
        "compare_predictions",
        "evaluate_predictions",
        "seeds_interval",
    ],
    "losses": ["contrastive_loss", "reference_contrastive_loss"],
    "models": ["SignNet"],
    "realism": ["Realism", "StatisticGap"],
    "report": ["write_report"],
    "sampling": ["BalancedBatches"],
    "signs": ["STANDARDS", "Standard", "render_sign", "standard"],
    "synthesis": [
        "GROUPS",
        "BackgroundAtlas",
        "IconAtlas",
        "build_synthesiser",
        "load_preset",
        "preset_names",
        "without",
    ],
    "training": ["Hardware", "Recipe", "load_recipe", "recipe_names"],
    "workflow": [
        "LAYOUTS",
        "Likeness",
        "ProtocolTable",
        "RunFolder",
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
        "load",
        "load_predictions",
        "open_data",
        "predict",
        "protocol",
        "protocol_absent",
        "remove_class",
        "render_again",
        "sign_sheets",
        "synth_sheets",
        "synthesise",
        "train",
        "verify_crops",
    ],
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "GROUPS",
    "LAYOUTS",
    "STANDARDS",
    "BackgroundAtlas",
    "BalancedBatches",
    "CropPack",
    "CropTable",
    "Hardware",
    "IconAtlas",
    "InputError",
    "Interrupted",
    "Likeness",
    "Metrics",
    "Predictions",
    "ProtocolTable",
    "Realism",
    "Recipe",
    "RunFolder",
    "SignCatalogue",
    "SignClass",
    "SignNet",
    "Standard",
    "StatisticGap",
    "add_class",
    "add_photos",
    "build_synthesiser",
    "catalogue_rows",
    "compare",
    "compare_predictions",
    "compare_realism",
    "compare_signs",
    "contrastive_loss",
    "demo",
    "drawn_rows",
    "evaluate",
    "evaluate_predictions",
    "export_signs",
    "fit_camera",
    "from_coco",
    "from_csv",
    "from_files",
    "from_folders",
    "from_gtsrb",
    "from_reference",
    "from_yolo",
    "is_drawn",
    "load",
    "load_icon",
    "load_predictions",
    "load_preset",
    "load_recipe",
    "open_data",
    "pack_crops",
    "predict",
    "preset_names",
    "protocol",
    "protocol_absent",
    "recipe_names",
    "reference_contrastive_loss",
    "remove_class",
    "render_again",
    "render_sign",
    "run_bench",
    "seeds_interval",
    "sign_name",
    "sign_sheets",
    "standard",
    "synth_sheets",
    "synthesise",
    "train",
    "verify_crops",
    "without",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'raresign' has no attribute '{name}'")
    return getattr(importlib.import_module(f"raresign.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
