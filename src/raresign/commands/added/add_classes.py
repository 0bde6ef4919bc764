"""`raresign add-class`: new signs from one icon each, without training or with a short tuning."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raresign.commands.added.change_classes import embed_photos, fit_photos
from raresign.commands.added.fit_added import SHEET, fit_added, write_fitted
from raresign.commands.added.tune_classes import check_tunable, tune_run
from raresign.commands.progress import Say, silent
from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.models.outputs import TorchEncoder
from raresign.runs.added_classes import ADDED, AddedFolder, added_places, keep_added
from raresign.runs.exchange import exchange
from raresign.runs.photo_embeddings import Photos, forget_photos, keep_photos
from raresign.runs.run_folder import RunFolder
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.all_icons import refuse_bad
from raresign.signs.catalogue.families import family_of_icon
from raresign.signs.catalogue.icon_check import check_new_icon, known_look
from raresign.signs.catalogue.pictures import in_threads, load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.countries.country import value_problems
from raresign.signs.countries.drawn_folder import lettered_files
from raresign.signs.icons.icon_file import Pixels, icon_files, load_icon
from raresign.signs.icons.png_icon import IconWarning


@dataclass(frozen=True)
class NewClass:
    """What is known of a class that was added.

    Attributes:
        name: Readable name; the code where none is known.
        family: Shape and colour.
        recall: Predicted recall on real crops, in [0, 1]; None without a forecast.
        low, high: Its 90 % interval.
        confusions: Code -> mean probability that fresh synthetic crops of the class gave to it, the
            five largest from a tenth of a percent up.
        sheet: Picture of the new sign beside the signs that it will be confused with.
    """

    code: str
    name: str
    family: str
    recall: float | None
    low: float | None
    high: float | None
    confusions: dict[str, float]
    sheet: Path

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "sheet": str(self.sheet)}


def add_class(
    run: str | Path,
    icons: Sequence[str | Path],
    codes: Sequence[str] = (),
    photos: str | Path | None = None,
    say: Say = silent,
    *,
    names: Sequence[str] = (),
    train_seconds: float | None = None,
    train_steps: int | None = None,
    svg_text: bool = False,
) -> list[NewClass]:
    """Add classes to a trained run from their icons.

    Each class gets prototypes and a row of the classifier, fitted to synthetic crops of its icon
    while the net and all earlier rows stay as they are: some seconds. With `train_seconds` or
    `train_steps` the whole net then trains on for a while, on synthetic crops of new and earlier
    classes and the run's real crops, where its data folder is still there; earlier answers are kept
    as far as that goes, and all that hangs on the net is made anew.

    Args:
        run: The run folder; without tuning only its folder `added` changes.
        icons: One PNG, SVG or JPEG a class, or folders of them, named by code; so is a folder that
            `raresign catalogue gost --export` wrote.
        codes: One class code an icon; the files' names unless given.
        photos: Real crops: a folder (or a file) for one class, a folder of folders named by code
            for several. They help as by `add_photos`; a tuning does not train on them, and they
            are prototypes then.
        say: Is told of values that the signs of the run's country cannot show, of the tuning, and
            of another command that changes the run, which is waited for.
        names: One name an icon, for people; the country's own unless given.
        train_seconds: How long to tune; what is made anew takes half a minute more.
        train_steps: At most so many steps; the same number gives the same net again.
        svg_text: Whether text in SVG icons is drawn, in Source Sans; such icons are refused else.

    Raises:
        InputError: No finished run, codes and icons that do not match, a code that is taken, an
            icon that no class can be made of or that another class has, no photo where some were
            named; a tuning of a run to which photos were added. Nothing is written then.

    Returns:
        One entry a class, in the order given.
    """
    with RunFolder.changing(run, say) as folder:
        folder.check_trained()
        folder.check_finished()
        tuned = train_seconds is not None or train_steps is not None
        if tuned:
            check_tunable(folder, train_seconds, train_steps)
        catalogue = folder.catalogue
        damaged = {place.name for place in added_places(folder.path)} - {*catalogue.codes}
        given = lettered_files(listed_icons(icons)) if svg_text else listed_icons(icons)
        signs = new_signs(catalogue, given, codes, damaged, names)
        for problem in value_problems(catalogue.country, [sign.code for sign in signs]):
            say(_("warning: {problem}").format(problem=problem))
        if photos and len(signs) > 1 and not any((Path(photos) / s.code).is_dir() for s in signs):
            raise InputError(
                _("{photos} has no folder {code}").format(photos=photos, code=signs[0].code),
                _("give a folder a class"),
            )

        net = folder.model()  # takes longer than all that can be wrong with what was given
        recogniser = folder.recogniser(TorchEncoder(net))

        def real(recogniser: Recogniser) -> list[np.ndarray]:
            return [_photos(photos, sign.code, len(signs), recogniser) for sign in signs]

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IconWarning)  # told of each new icon once, by now
            first = 1 + max((later.info["order"] for later in folder.added), default=0)
            orders = range(first, first + len(signs))
            seen = real(recogniser)
            lifted = not tuned and recogniser.head.knows_all_by_prototypes
            fitted = [each[:0] for each in seen] if lifted else seen
            found = fit_added(folder, net, recogniser, signs, orders, fitted)
            if tuned:
                found = tune_run(folder, net, found, real, train_seconds, train_steps, say)
            else:
                with exchange(folder.path) as place:
                    keep_added(folder.path, place)
                    write_fitted(place, found, recogniser.catalogue.extended(signs))
                    if lifted and any(map(len, seen)):
                        keep_photos(folder.path, place, _lifted(recogniser, found, seen))
                    else:  # of a class of this code that an earlier version has not removed whole
                        forget_photos(folder.path, place, [sign.code for sign in signs])
        return [_told(folder.path, one) for one in found]


def _lifted(
    recogniser: Recogniser, new: Sequence[AddedFolder], seen: Sequence[np.ndarray]
) -> dict[str, Photos]:
    """The photos of new classes by code, with what they lift."""
    head = recogniser.head.with_classes([one.added for one in new])
    labelled = {
        len(recogniser.catalogue) + place: each for place, each in enumerate(seen) if len(each)
    }
    codes = [one.sign.code for one, each in zip(new, seen, strict=True) if len(each)]
    return dict(zip(codes, fit_photos(head, labelled), strict=True))


def _told(run: Path, one: AddedFolder) -> NewClass:
    """What is known of a class that was added."""
    sign, confusions = one.sign, dict(one.info["confusions"])
    forecast = one.info["forecast"] or {}
    recall, low, high = (forecast.get(name) for name in ("recall", "low", "high"))
    sheet = run / ADDED / sign.code / SHEET
    return NewClass(sign.code, sign.title, sign.family, recall, low, high, confusions, sheet)


def listed_icons(given: Sequence[str | Path]) -> list[Path]:
    """The icon files that were given: files as they are, of a folder the first icon of each code.

    Raises:
        InputError: A folder holds no icon.
    """
    found = []
    for path in map(Path, given):
        if path.is_dir():
            folder = path / "icons" if (path / "icons").is_dir() else path
            found += [variants[0] for variants in icon_files(folder).values()]
        else:
            found.append(path)
    return found


def new_signs(
    catalogue: SignCatalogue,
    icons: Sequence[Path],
    codes: Sequence[str],
    damaged: Collection[str],
    titles: Sequence[str],
) -> list[SignClass]:
    """The classes of the icons, checked against the catalogue, damaged classes and each other."""
    names = list(codes) or [icon.stem for icon in icons]
    if not icons or len(names) != len(icons):
        raise InputError(
            _("{icons} icons and {codes} codes").format(icons=len(icons), codes=len(names)),
            _("give one code an icon"),
        )
    if titles and len(titles) != len(icons):
        raise InputError(
            _("{icons} icons and {names} names").format(icons=len(icons), names=len(titles)),
            _("give one name an icon"),
        )
    for title in titles:
        if not title.strip() or not title.isprintable():
            raise InputError(
                _("the name {title}").format(title=repr(title)), _("use a text of one line")
            )
    for code in names:
        wrong = (
            (_("is already in the run") if catalogue.label_of(code) >= 0 else "")
            or (_("is in the run, but damaged: remove it first") if code in damaged else "")
            or (_("is given twice") if names.count(code) > 1 else "")
            or (_("begins with a dot") if code.startswith(".") else "")  # see read_added
        )
        if wrong:
            raise InputError(
                _("class '{code}' {wrong}").format(code=code, wrong=wrong),
                _("choose another --code"),
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IconWarning)  # told of when they came
        drawn = zip(catalogue.codes, load_pictures(catalogue.classes), strict=True)
    known = [(code, known_look(picture)) for code, pictures in drawn for picture in pictures]
    first = 1 + max(sign.id for sign in catalogue.classes)
    country = catalogue.country
    signs = []
    problems = []
    new = in_threads(_drawn, zip(icons, names, strict=True))
    for number, (icon, code, picture) in enumerate(zip(icons, names, new, strict=True), first):
        try:
            if isinstance(picture, InputError):
                raise picture
            known.append((code, check_new_icon(picture, code, known)))
        except InputError as error:
            problems.append(error)
            continue
        family = (country and country.family(code)) or family_of_icon(picture)
        name = titles[number - first].strip() if titles else ""
        name = name or (country and country.name(code)) or ""
        signs.append(SignClass(code, number, "rare", (icon,), family, None, name))
    refuse_bad(problems)
    SignCatalogue([*catalogue.classes, *signs])  # checks codes
    return signs


def _drawn(icon: tuple[Path, str]) -> Pixels | InputError:
    """An icon of a class code, or what is wrong with it."""
    try:
        return load_icon(icon[0], code=icon[1])
    except InputError as error:
        return error


def _photos(
    photos: str | Path | None, code: str, classes: int, recogniser: Recogniser
) -> np.ndarray:
    """(n, E) embeddings of the real crops of a class, none without photos."""
    if photos is not None:
        place = Path(photos) if classes == 1 else Path(photos) / code
        if classes == 1 or place.is_dir():
            return embed_photos(recogniser, [place])
    return np.empty((0, recogniser.head.rows.shape[1]), np.float32)
