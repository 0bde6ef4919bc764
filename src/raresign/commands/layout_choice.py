"""In which layout real crops come: as the user says, or as their files show."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.annotated_crops import LayoutCrops, empty_table
from raresign.crops.layouts.coco import read_coco
from raresign.crops.layouts.csv_layout import read_csv_layout
from raresign.crops.layouts.cvat import read_cvat
from raresign.crops.layouts.folder_layout import read_folders
from raresign.crops.layouts.gtsrb import read_gtsrb
from raresign.crops.layouts.label_studio import read_label_studio
from raresign.crops.layouts.mapillary import read_mapillary
from raresign.crops.layouts.recognise import recognised
from raresign.crops.layouts.reference_layout import read_reference, read_reference_test
from raresign.crops.layouts.rtsd import read_rtsd
from raresign.crops.layouts.split_names import Split, part_of
from raresign.crops.layouts.tt100k import read_tt100k
from raresign.crops.layouts.voc import read_voc
from raresign.crops.layouts.yolo import read_yolo
from raresign.errors import InputError
from raresign.language.spoken import _

Reader = Callable[[Path, CodeBook, bool], LayoutCrops]


def _icons(place: Path, catalogue: CodeBook, strict: bool) -> LayoutCrops:
    """No crops to train on; `smalltest` tests where it exists."""
    return LayoutCrops(empty_table(), read_reference_test(place, catalogue, strict))


_READERS: dict[str, Reader] = {
    "reference": read_reference,
    "icons": _icons,
    "folders": lambda place, catalogue, strict: read_folders(place, catalogue),
    "csv": read_csv_layout,
    "gtsrb": read_gtsrb,
    "rtsd": read_rtsd,
    "coco": read_coco,
    "yolo": read_yolo,
    "voc": read_voc,
    "tt100k": read_tt100k,
    "mapillary": read_mapillary,
    "cvat": read_cvat,
    "label-studio": read_label_studio,
}
LAYOUTS = ("auto", *_READERS)


@dataclass(frozen=True)
class LayoutChoice:
    """A layout and the path that is read in it.

    Args:
        name: One of `LAYOUTS`, not "auto".
        place: What its reader is given.
        reason: Why it is this one.
        recognised: Whether the files show it; else the user says it.
    """

    name: str
    place: Path
    reason: str
    recognised: bool = True

    def __str__(self) -> str:
        part = {"test": _("; this is the test part"), "val": _("; this is the validation part")}
        return _("layout: {name}, {reason}{part}").format(
            name=self.name, reason=self.reason, part=part.get(self.part, "")
        )

    def read(self, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
        """The crops, by the classes of a catalogue."""
        try:
            found = _READERS[self.name](self.place, catalogue, strict)
        except InputError as error:
            if other := self._other():
                looks = f"{self.place} looks like {other}: give --layout {other}"
                raise InputError(error.problem, looks) from error
            raise

        if self.part not in ("", "train") and found.test is None:
            none = replace(empty_table(), left_out=found.training.left_out)
            return LayoutCrops(none, found.training)
        return found

    @property
    def part(self) -> Split:
        """The part of a larger data set that the place is by its name and what lies beside it."""
        return "" if self.name in ("reference", "icons") else part_of(self.place)

    def _other(self) -> str:
        """Another layout that the files are in, "" if there is none that can be told."""
        if self.recognised:
            return ""
        try:
            seen = recognised(self.place)[0]
        except InputError:
            return ""
        return "" if seen in (self.name, "icons", "folders") else seen

    def read_test(self, catalogue: CodeBook, strict: bool = False) -> CropTable | None:
        """The test crops; all crops where no part is declared to be the test."""
        if self.name in ("reference", "icons"):
            return read_reference_test(self.place, catalogue, strict)
        found = self.read(catalogue, strict)
        return found.training if found.test is None else found.test


def choose_layout(place: Path, said: str, root: Path) -> LayoutChoice:
    """The layout of the crops at `place`.

    Args:
        place: A file or folder.
        said: What the user says, one of `LAYOUTS`; "auto" looks at the files.
        root: The data folder; where `place` is this folder and has no crops, there are icons alone.

    Raises:
        InputError: There is no such layout, or the files are of none.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> str(choose_layout(folder, "auto", folder))
        'layout: icons, nothing else'
    """
    name = re.sub(r"[\s_]+", "-", said.lower())
    name = "label-studio" if name == "labelstudio" else name
    if name not in LAYOUTS:
        raise InputError(
            _("no layout is called '{said}'").format(said=said),
            _("use one of {listed}").format(listed=", ".join(LAYOUTS)),
        )
    if name != "auto":
        return LayoutChoice(name, place, _("as --layout {said} says").format(said=said), False)
    layout, path, reason = recognised(place)
    if not layout and place.resolve() != root.resolve():
        raise InputError(
            _(
                "{place} holds neither class folders nor annotations that are known ({reason})"
            ).format(place=place, reason=reason),
            _("say which with --layout, or give the file of the annotations"),
        )
    return LayoutChoice(
        layout or "icons",
        path,
        _("recognised by {reason}").format(reason=reason) if layout else reason,
    )
