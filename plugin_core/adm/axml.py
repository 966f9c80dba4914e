"""The axml chunk read as a stream: main elements by their tags, blocks as rows of numbers.

No document type declaration is accepted, so there are no entities to expand; depth, number of
elements and size of the chunk are limited.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from auricle.plugin_core.adm.blocks import Blocks, add_block
from auricle.plugin_core.adm.elements import Element
from auricle.plugin_core.audio.riff_chunks import Chunk
from auricle.plugin_core.errors import AdmError

MOST_BYTES = 1 << 29
MOST_ELEMENTS = 1_000_000  # blocks not counted
MOST_BLOCKS = 2_000_000
MAX_DEPTH = 64
_PIECE = 1 << 16
_MOST_TEXT = 4096  # characters that are kept of a text, roughly
_KINDS = ("", "DirectSpeakers", "Matrix", "Objects", "HOA", "Binaural")
_MAIN = {
    "audioProgramme", "audioContent", "audioObject", "audioPackFormat", "audioChannelFormat",
    "audioStreamFormat", "audioTrackFormat", "audioTrackUID",
}  # fmt: skip


@dataclass
class Parsed:
    """The main elements by their tags, in the order of the file, and the blocks by channel ID."""

    elements: dict[str, list[Element]] = field(default_factory=lambda: defaultdict(list))
    blocks: dict[str, Blocks] = field(default_factory=dict)


def kind_of(element: Element) -> str:
    """The typeDefinition of a pack or a channel.

    Raises:
        AdmError: none, an unknown one, or one that its label contradicts.
    """
    name = element.attributes.get("typeDefinition", "")
    label = element.attributes.get("typeLabel", "")
    by_label = _KINDS[int(label, 16)] if label in (f"{i:04d}" for i in range(1, 6)) else ""
    kind = name or by_label
    if kind not in _KINDS[1:] or (by_label and name and name != by_label):
        raise element.error(
            f"typeDefinition {name[:40]!r} with typeLabel {label[:40]!r}; it is one of "
            f"{', '.join(_KINDS[1:])}"
        )
    return kind


def read_axml(path: Path, chunk: Chunk) -> Parsed:
    """The elements of the XML, with their blocks as rows of numbers.

    Raises:
        AdmError: no XML, one that is not accepted, or a block that cannot be; names the line.
    """
    if chunk.size > MOST_BYTES:
        raise AdmError(
            f"{path}: the axml chunk has {chunk.size} bytes, more than {MOST_BYTES} are not read"
        )
    handler = _Handler()
    parser = handler.parser
    try:
        with open(path, "rb") as file:
            file.seek(chunk.begin)
            left, padded = chunk.size, False
            while left and not padded:
                piece = file.read(min(_PIECE, left))
                left -= len(piece)
                if not piece:
                    break
                if not handler.wide(piece):  # some writers fill the chunk up with zeros
                    head, zero, _ = piece.partition(b"\0")
                    piece, padded = head, bool(zero)
                parser.Parse(piece, False)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise AdmError(
            f"{path}: axml line {error.lineno}: not XML ({expat.ErrorString(error.code)}); "
            "export it again"
        ) from None
    except ValueError as error:  # AdmErrors are, and so is what unknown encodings raise
        if isinstance(error, AdmError):
            raise AdmError(f"{path}: {error}") from None
        raise AdmError(f"{path}: the axml chunk cannot be read ({error})") from None
    except LookupError as error:
        raise AdmError(
            f"{path}: the axml chunk has an encoding that is not known ({error})"
        ) from None
    return handler.parsed


class _Handler:
    """Keeps the main elements; blocks become rows as soon as they end."""

    def __init__(self) -> None:
        self.parsed = Parsed()
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._open: list[Element] = []
        self._depth = self._count = self._count_before = self._n_blocks = 0
        self._wide: bool | None = None
        self._channel: Element | None = None  # whose blocks are being read
        self._kind = ""

    def wide(self, piece: bytes) -> bool:
        """Whether the text is UTF-16, as its first bytes say."""
        if self._wide is None:
            self._wide = piece[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
        return self._wide

    def _doctype(self, *_: object) -> None:
        raise AdmError(
            f"axml line {self.parser.CurrentLineNumber}: has a document type declaration, which "
            "ADM has not; it is not read"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise AdmError(
                f"axml line {self.parser.CurrentLineNumber}: nested deeper than {MAX_DEPTH}"
            )
        tag = name.rpartition(":")[2] if ":" in name else name
        if self._open or tag in _MAIN:
            if tag == "audioBlockFormat":
                self._count_before = self._count
            self._count += 1
            if self._count > MOST_ELEMENTS:
                raise AdmError(f"the axml chunk has more than {MOST_ELEMENTS} elements")
            self._open.append(Element(tag, attributes, self.parser.CurrentLineNumber))

    def _text(self, text: str) -> None:
        if self._open:
            element = self._open[-1]
            if len(element.text) < _MOST_TEXT:
                element.text += text

    def _end(self, _: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        element = self._open.pop()
        if not self._open:
            self.parsed.elements[element.tag].append(element)
        elif element.tag == "audioBlockFormat" and self._is_channel():
            self._block(self._open[0], element)
            self._count = self._count_before
        else:
            self._open[-1].children.append(element)

    def _is_channel(self) -> bool:
        return len(self._open) == 1 and self._open[0].tag == "audioChannelFormat"

    def _block(self, channel: Element, element: Element) -> None:
        if channel is not self._channel:
            self._channel, self._kind = channel, kind_of(channel)
        blocks = self.parsed.blocks.get(channel.id)
        if blocks is None:
            blocks = self.parsed.blocks[channel.id] = Blocks()
        add_block(blocks, self._kind, element)
        self._n_blocks += 1
        if self._n_blocks > MOST_BLOCKS:
            raise AdmError(f"the axml chunk has more than {MOST_BLOCKS} blocks, split the master")
