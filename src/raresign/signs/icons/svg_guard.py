"""Reads an SVG of unknown origin into a plain tree that refers to nothing outside itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, TreeBuilder, tostring
from xml.parsers import expat

from raresign.errors import InputError

MAX_BYTES = 4 * 2**20
MAX_ELEMENTS = 50_000  # also counted with every use drawn out
MAX_DEPTH = 100
MAX_ATTRIBUTES = 200  # renderers compare each with each

_SVG = "http://www.w3.org/2000/svg"
_XHTML = "http://www.w3.org/1999/xhtml"
_HREFS = ("href", "http://www.w3.org/1999/xlink}href")
_SCRIPTS = {"script", "handler", "listener"}
_DROPPED = {"metadata", "title", "desc"}
_WRITING = {"text", "flowRoot", "foreignObject"}
"""What shows words: no renderer draws it as its author saw it without his fonts. Blank ones, which
editors leave behind, are dropped."""
DRAWN_TEXT = "data-raresign-text"
"""Attribute of a root whose `text` is to be drawn in our font, see `svg_text`."""
_MAX_ENTITIES, _MAX_ENTITY = 100, 256
_CHEAP = {"linearGradient", "radialGradient", "filter"}  # of no size, however often used
_PICTURE = re.compile(r"data:image/(png|jpeg|jpg|gif|webp)[;,]", re.I)
_URL = re.compile(r"url\s*\(\s*['\"]?\s*([^'\")\s]*)", re.I)
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.I)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)  # an open one ends with the text, as in CSS


def read_svg(content: bytes, source: str, text: bool = False) -> Element:
    """Parse and check an SVG; what is neither drawn nor harmful (metadata, editors' data) is left.

    Args:
        content: The file.
        source: What a message calls the file, such as "icon icons/3.1.svg".
        text: Whether `text` may stay; so it may in a root with the attribute `DRAWN_TEXT`.

    Returns:
        The root. Tags and attributes have no namespace ("rect", "href"): see `svg_bytes`.

    Raises:
        InputError: It is no well-formed SVG, defines entities that are no plain texts, holds
            scripts or text that needs a font, refers to anything but itself, or is larger than a
            sign can be: 4 MiB, 50,000 elements with every `use` drawn out, 100 levels.

    Example:
        >>> head = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
        >>> read_svg(head + b'<path d="M0 0H9V9z"/></svg>', "a")[0].attrib
        {'d': 'M0 0H9V9z'}
        >>> read_svg(head + b'<image href="/etc/passwd"/></svg>', "a")
        Traceback (most recent call last):
        ...
        raresign.errors.InputError: a refers to another file ('/etc/passwd'); embed it in the SVG
    """
    if len(content) > MAX_BYTES:
        raise InputError(
            f"{source} is an SVG of {len(content)} bytes", f"simplify it below {MAX_BYTES}"
        )
    reader = _Reader(source, text)
    try:
        root = reader.parse(content)
    except InputError:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:  # LookupError: odd encodings
        raise InputError(f"{source} is a broken SVG: {error}", "export it again") from error
    _Expansion(root, source).check()
    return root


def svg_bytes(root: Element) -> bytes:
    """The tree of `read_svg` as a UTF-8 SVG file."""
    named = Element(root.tag, {"xmlns": _SVG, **root.attrib})
    named.text = root.text
    named.extend(root)
    text: str = tostring(named, encoding="unicode")
    return text.encode()


class _Reader:
    """A pass over the file that stops at the first thing that an icon must not hold."""

    def __init__(self, source: str, text: bool) -> None:
        self._source = source
        self._text = text  # whether text is kept
        self._text_at = 0  # depth of the text that is being read and kept
        self._tree = TreeBuilder()
        self._depth = self._elements = 0
        self._dropped_at = 0  # depth of the element whose content is left out
        self._style: list[str] | None = None
        self._writing = ""  # the element of `_WRITING` that is being read
        self._entities = 0

    def parse(self, content: bytes) -> Element:
        """The root of the document."""
        parser = expat.ParserCreate(namespace_separator="}")
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._skipped
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.Parse(content, True)
        return self._tree.close()

    def _refuse(self, what: str, hint: str) -> None:
        raise InputError(f"{self._source} {what}", hint)

    def _entity(
        self, name: str, is_parameter: int, value: str | None, *of_others: str | None
    ) -> None:
        """Names for plain short texts, as Illustrator writes them, are read; nothing is fetched."""
        self._entities += 1
        plain = value is not None and not set(value) & set("&%<")
        if is_parameter or not plain or len(value or "") > _MAX_ENTITY:
            self._refuse("defines entities that are no plain texts", "export it as plain SVG")
        if self._entities > _MAX_ENTITIES:
            self._refuse(f"defines more than {_MAX_ENTITIES} entities", "export it as plain SVG")

    def _skipped(self, name: str, is_parameter: bool) -> None:
        if not is_parameter:
            self._refuse(f"refers to '&{name[:40]};', which it does not define", "export it again")

    def _instruction(self, target: str, data: str) -> None:
        if target == "xml-stylesheet":
            self._refuse("refers to a style sheet outside", "embed it in a <style> element")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._style is not None:
            self._refuse(
                f"holds a <{name.rpartition('}')[2]}> inside its <style>", "export it again"
            )
        if self._depth > MAX_DEPTH:
            self._refuse(f"nests deeper than {MAX_DEPTH} levels", "ungroup the drawing")
        if self._elements > MAX_ELEMENTS:
            self._refuse(f"has more than {MAX_ELEMENTS} SVG elements", "simplify the drawing")
        space, _, tag = name.rpartition("}")
        if self._dropped_at:
            if self._writing == "foreignObject" and space in ("", _SVG, _XHTML):
                self._refuse_writing()
            return
        if self._depth == 1 and (space != _SVG or tag != "svg"):
            self._refuse(f"is a broken SVG: its root is <{tag}>", f'begin with <svg xmlns="{_SVG}"')
        if self._depth == 1 and DRAWN_TEXT in attributes:
            self._text = True
        if tag in _SCRIPTS:
            self._refuse(f"holds a <{tag}>", "remove the scripts")
        if self._text and not self._text_at and (space, tag) == (_SVG, "text"):
            self._text_at = self._depth
        elif space == _SVG and tag in _WRITING and "requiredExtensions" not in attributes:
            self._writing, self._dropped_at = tag, self._depth
            return
        if (space, tag) == (_SVG, "foreignObject"):  # for one program alone: nobody else draws it
            self._dropped_at = self._depth
            return
        if space != _SVG or tag in _DROPPED:
            self._dropped_at = self._depth
            return
        self._tree.start(tag, self._checked(tag, attributes))
        self._style = [] if tag == "style" else None

    def _end(self, name: str) -> None:
        if not self._dropped_at:
            if self._style is not None:
                self._check_css("".join(self._style))
                self._style = None
            self._tree.end(name.rpartition("}")[2])
            if self._text_at == self._depth:
                self._text_at = 0
        elif self._dropped_at == self._depth:
            self._dropped_at, self._writing = 0, ""
        self._depth -= 1

    def _refuse_writing(self) -> None:
        self._refuse(
            f"holds text that needs a font (<{self._writing}>)",
            "convert it to paths, or use a text slot"
            + ("; --svg-text draws it in a free font" if self._writing == "text" else ""),
        )

    def _data(self, text: str) -> None:
        if self._writing and text.strip():
            self._refuse_writing()
        if self._dropped_at:
            return
        if self._style is not None:
            self._style.append(text)
        if self._style is not None or self._text_at:
            self._tree.data(text)

    def _checked(self, tag: str, attributes: dict[str, str]) -> dict[str, str]:
        """The attributes of an element that may stay."""
        if len(attributes) > MAX_ATTRIBUTES:
            self._refuse(f"has a <{tag}> with {len(attributes)} attributes", "export it again")
        kept: dict[str, str] = {}
        for name, value in attributes.items():
            if name.lower().startswith("on"):
                self._refuse(f"has the script attribute '{name}'", "remove the scripts")
            if name in _HREFS:
                self._check_href(tag, value)
                if tag != "a":  # links lead nowhere in a picture
                    kept["href"] = value.strip()
            elif "}" not in name:
                self._check_css(value)
                kept[name] = value
        return kept

    def _check_href(self, tag: str, value: str) -> None:
        """A reference stays inside the file, or is an embedded picture."""
        target = re.sub(r"[\x00-\x20]", "", value)
        if target.lower().startswith(("javascript:", "vbscript:")):
            self._refuse(f"has a script as link ({value[:80]!r})", "remove the scripts")
        if tag == "a" or target.startswith("#") or (tag == "image" and _PICTURE.match(target)):
            return
        if target.lower().startswith("data:"):
            self._refuse(f"embeds {target[:40]!r}", "embed PNG, JPEG, GIF or WebP only")
        self._refuse(f"refers to another file ({value[:80]!r})", "embed it in the SVG")

    def _check_css(self, text: str) -> None:
        """No url() or @import that leads outside, however it is written."""
        if "(" not in text and "@" not in text and "\\" not in text:
            return
        plain = _ESCAPE.sub(_unescaped, _COMMENT.sub("", text))
        if "@import" in plain.lower():
            self._refuse("imports a style sheet", "embed it in a <style> element")
        for target in _URL.findall(plain):
            if not target.startswith("#"):
                self._refuse(f"refers to another file ({target[:80]!r})", "embed it in the SVG")


def _unescaped(match: re.Match[str]) -> str:
    """The character that a CSS escape stands for."""
    number = int(match[1], 16) if match[1] else 0
    return chr(number) if 0 < number < 0x110000 else match[2] or " "


class _Expansion:
    """Counts what a renderer will draw once every reference is followed."""

    def __init__(self, root: Element, source: str) -> None:
        self._root, self._source = root, source
        self._by_id: dict[str, list[Element]] = {}
        for element in root.iter():
            if "id" in element.attrib and element.tag not in _CHEAP:
                self._by_id.setdefault(element.attrib["id"], []).append(element)
        self._done: dict[Element, tuple[int, int]] = {}  # elements, levels
        self._open: set[Element] = set()

    def check(self) -> None:
        """Raise if the drawing is endless or too large."""
        self._measure(self._root, 1)

    def _measure(self, element: Element, level: int) -> tuple[int, int]:
        """Elements and levels below and with `element`, which stands at `level`."""
        if element in self._open:
            self._refuse(f"refers to itself in a circle (<{element.tag}>)", "break the circle")
        if level + self._done.get(element, (0, 1))[1] - 1 > MAX_DEPTH:
            self._refuse(f"nests deeper than {MAX_DEPTH} levels by its uses", "draw them out")
        if element in self._done:
            return self._done[element]
        self._open.add(element)
        count, levels = 1, 1
        for inner in (*element, *self._referred(element)):
            more, deep = self._measure(inner, level + 1)
            count, levels = count + more, max(levels, deep + 1)
            if count > MAX_ELEMENTS:
                self._refuse(
                    f"has more than {MAX_ELEMENTS} SVG elements once its uses are drawn out",
                    "simplify the drawing",
                )
        self._open.remove(element)
        self._done[element] = count, levels
        return count, levels

    def _referred(self, element: Element) -> Iterator[Element]:
        """The elements that are drawn because this one names them."""
        for name, value in element.attrib.items():
            targets = [value] if name == "href" else _URL.findall(value) if "url" in value else []
            for target in dict.fromkeys(targets):
                yield from self._by_id.get(target.removeprefix("#"), ())

    def _refuse(self, what: str, hint: str) -> None:
        raise InputError(f"{self._source} {what}", hint)
