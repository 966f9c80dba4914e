"""Headers of audio files: what they say their channels are, and that bad ones say nothing."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from wave_files import B_FORMAT_FLOAT, B_FORMAT_PCM, chunk, extensible, ixml

from auricle.dsp.errors import AuricleError
from auricle.dsp.loudspeakers.channel_roles import (
    MASK_ROLES,
    in_order_of,
    labels_of_roles,
    layout_of_header,
    mask_roles,
)
from auricle.dsp.loudspeakers.layouts import LAYOUTS, layout, layout_of_labels
from auricle.plugin_core.audio.headers import Header, read_header

DAW = {
    "nuendo_7.1.wav": "M+030 M-030 M+000 LFE1 M+135 M-135 M+090 M-090",
    "nuendo_Atmos_7.0.2.wav": "M+030 M-030 M+000 M+135 M-135 M+090 M-090 U+090 U-090",
    "nuendo_LRCS.wav": "M+030 M-030 M+000 M+180",
}


def silence(n_channels: int, n: int = 64) -> np.ndarray:
    return np.zeros((n, n_channels))


@pytest.mark.parametrize(
    ("mask", "n", "labels"),
    [
        (0x3F, 6, "M+030 M-030 M+000 LFE1 M+110 M-110"),
        (0x60F, 6, "M+030 M-030 M+000 LFE1 M+110 M-110"),
        (0x63F, 8, "M+030 M-030 M+000 LFE1 M+135 M-135 M+090 M-090"),
        (0xFF, 8, "M+030 M-030 M+000 LFE1 M+110 M-110 M+022 M-022"),
        (0x33, 4, "M+045 M-045 M+135 M-135"),
        (0x107, 4, "M+030 M-030 M+000 M+180"),
        (0x2D63F, 12, "M+030 M-030 M+000 LFE1 M+135 M-135 M+090 M-090 U+045 U-045 U+135 U-135"),
        (0x2F83F, 12, "M+030 M-030 M+000 LFE1 M+110 M-110 T+000 U+030 U+000 U-030 U+110 U-110"),
    ],
)
def test_masks_of_wav(tmp_path: Path, mask: int, n: int, labels: str) -> None:
    found = read_header(extensible(tmp_path / "a.wav", silence(n), mask))
    assert (" ".join(found.labels), found.by_format) == (labels, False)


def test_ixml_names_what_the_mask_does_not(tmp_path: Path) -> None:
    names = ("L-GENERIC", "R-GENERIC", "Tsl-GENERIC", "Tsr-GENERIC", "X")
    found = read_header(extensible(tmp_path / "a.wav", silence(5), 0x3, more=ixml(*names)))
    assert found.labels == ("M+030", "M-030", "U+090", "U-090", "")
    found = read_header(extensible(tmp_path / "a.wav", silence(4), 0, more=ixml(*names[:4])))
    assert (found.labels[2], found.by) == ("U+090", "its iXML")
    acn = ixml(*(f"ACN{i}-HOA2" for i in range(9)))
    assert read_header(extensible(tmp_path / "a.wav", silence(9), more=acn)).ambisonics == "ambix"
    mixed = ixml(*(f"ACN{8 - i}-HOA2" for i in range(9)))
    assert read_header(extensible(tmp_path / "a.wav", silence(9), more=mixed)) == Header()


@pytest.mark.parametrize("guid", [B_FORMAT_PCM, B_FORMAT_FLOAT])
def test_b_format_is_known_by_its_guid(tmp_path: Path, guid: bytes) -> None:
    found = read_header(extensible(tmp_path / "a.amb", silence(4), 0, guid))
    assert (found.ambisonics, found.labels) == ("fuma", ())


def test_plain_wav_says_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", silence(6), 48000)
    assert read_header(tmp_path / "a.wav") == Header()


@pytest.mark.parametrize(
    ("name", "kind", "subtype", "n", "labels"),
    [
        ("a.flac", "FLAC", "PCM_16", 7, "M+030 M-030 M+000 LFE1 M+180 M+110 M-110"),
        ("a.flac", "FLAC", "PCM_16", 5, "M+030 M-030 M+000 M+110 M-110"),
        ("a.ogg", "OGG", "VORBIS", 6, "M+030 M+000 M-030 M+110 M-110 LFE1"),
        ("a.ogg", "OGG", "VORBIS", 3, "M+030 M+000 M-030"),
        ("a.ogg", "OGG", "VORBIS", 8, "M+030 M+000 M-030 M+090 M-090 M+135 M-135 LFE1"),
        ("a.opus", "OGG", "OPUS", 5, "M+030 M+000 M-030 M+110 M-110"),
    ],
)
def test_formats_with_an_order_of_their_own(
    tmp_path: Path, name: str, kind: str, subtype: str, n: int, labels: str
) -> None:
    soundfile.write(tmp_path / name, silence(n, 4800), 48000, format=kind, subtype=subtype)
    found = read_header(tmp_path / name)
    assert (" ".join(found.labels), found.by_format) == (labels, True)


def test_a_mask_in_flac_stands_above_its_order(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", silence(6), 48000)
    data = (tmp_path / "a.flac").read_bytes()
    comment = b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x0707"
    content = struct.pack("<III", 0, 1, len(comment)) + comment
    block = bytes([4]) + len(content).to_bytes(3, "big") + content
    first = 8 + int.from_bytes(data[5:8], "big")
    (tmp_path / "b.flac").write_bytes(data[:first] + block + data[first:])
    assert soundfile.info(tmp_path / "b.flac").channels == 6
    found = read_header(tmp_path / "b.flac")
    assert found.labels == ("M+030", "M-030", "M+000", "M+180", "M+110", "M-110")


def core_audio(tag: int, mask: int = 0, labels: tuple[int, ...] = ()) -> bytes:
    head = struct.pack(">III", tag, mask, len(labels))
    return head + b"".join(struct.pack(">II12x", each, 0) for each in labels)


@pytest.mark.parametrize(
    ("content", "labels", "ambisonics"),
    [
        (core_audio(123 << 16 | 6), "M+030 M+000 M-030 M+110 M-110 LFE1", ""),
        (core_audio(128 << 16 | 8), "M+030 M-030 M+000 LFE1 M+090 M-090 M+135 M-135", ""),
        (core_audio(1 << 16, 0x37), "M+030 M-030 M+000 M+110 M-110", ""),
        (core_audio(0, 0, (3, 1, 2, 5, 6, 33, 34)),
         "M+000 M+030 M-030 M+090 M-090 M+135 M-135", ""),
        (core_audio(107 << 16 | 4), "", "fuma"),
        (core_audio(190 << 16 | 9), "", "ambix"),
        (core_audio(123 << 16 | 5), "", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["caf", "aiff"])
def test_layouts_of_core_audio(
    tmp_path: Path, content: bytes, labels: str, ambisonics: str, kind: str
) -> None:
    if kind == "caf":
        data = b"caff" + struct.pack(">HH", 1, 0) + b"desc" + struct.pack(">q", 3) + b"abc"
        data += b"chan" + struct.pack(">q", len(content)) + content
    else:
        data = b"FORM\0\0\0\0AIFFCOMM" + struct.pack(">I", 3) + b"abc\0"
        data += b"CHAN" + struct.pack(">I", len(content)) + content
    (tmp_path / "a").write_bytes(data)
    found = read_header(tmp_path / "a")
    assert (" ".join(found.labels), found.ambisonics) == (labels, ambisonics)


def test_damaged_headers_say_nothing_and_raise_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    extensible(tmp_path / "a.wav", silence(8), 0x63F, more=ixml("L-X", "R-X"))
    soundfile.write(tmp_path / "a.flac", silence(6), 48000)
    soundfile.write(tmp_path / "a.ogg", silence(6, 4800), 48000)
    soundfile.write(tmp_path / "a.caf", silence(6), 48000, format="CAF")
    for path in sorted(tmp_path.glob("a.*")):
        data = path.read_bytes()[:2000]
        for _ in range(150):
            bad = bytearray(data[: rng.integers(0, len(data))] if rng.random() < 0.3 else data)
            for at in rng.integers(0, max(1, min(len(bad), 200)), 4):
                if at < len(bad):
                    bad[at] = rng.integers(256)
            (tmp_path / "b").write_bytes(bytes(bad))
            assert isinstance(read_header(tmp_path / "b"), Header)
    assert read_header(tmp_path / "none") == read_header(tmp_path) == Header()
    (tmp_path / "c.wav").write_bytes(b"RIFF\x04\0\0\0WAVE" + chunk(b"fmt ", b"\xfe\xff"))
    assert read_header(tmp_path / "c.wav") == Header()


def test_real_files_of_a_daw(data_dir: Path) -> None:
    folder = data_dir / "daw"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    for name, labels in DAW.items():
        assert " ".join(read_header(folder / name).labels) == labels
    assert read_header(folder / "nuendo_3OA.wav").ambisonics == "ambix"


# --- layouts and headers -----------------------------------------------------------------------


@given(st.permutations(range(12)), st.sampled_from(["7.1.4", "11.1", "7.0.4", "5.1.4", "6.1"]))
def test_any_order_of_the_same_loudspeakers_is_found(order: list[int], name: str) -> None:
    labels = layout(name).labels
    mixed = [labels[i] for i in order if i < len(labels)]
    found = in_order_of(layout(name), mixed)
    assert found is not None
    assert list(found.labels) == mixed


@given(st.integers(0, 2**18 - 1))
def test_every_mask_has_labels_of_which_a_layout_can_be_made(mask: int) -> None:
    n = mask.bit_count()
    labels = labels_of_roles(mask_roles(mask, n))
    assert len(labels) == n
    sides = [role for role in mask_roles(mask, n) if role in MASK_ROLES]
    assert len(sides) == n
    if n:
        made = layout_of_header(labels)
        assert made is None or made.labels == labels


def test_heights_by_another_name_are_the_layouts_own() -> None:
    found = in_order_of(layout("7.1.2"), labels_of_roles(mask_roles(0x563F, 10)))
    assert found is not None
    assert found.labels[-6:] == ("M+135", "M-135", "M+090", "M-090", "U+090", "U-090")
    assert in_order_of(layout("7.1"), labels_of_roles(mask_roles(0xFF, 8))) is None
    assert in_order_of(layout("5.1"), ("M+030", "M-030", "M+000", "LFE1", "M+110", "T+000")) is None


def test_loudspeakers_by_the_names_of_others() -> None:
    five = ["L", "R", "C", "LFE", "Ls", "Rs"]
    assert layout_of_labels(five).labels == LAYOUTS["5.1"].labels
    assert layout_of_labels([*five, "Lrs", "Rrs"]).labels == LAYOUTS["7.1"].labels
    assert layout_of_labels([*five, "Sl", "Sr"]).labels[4] == "M+135"
    own = layout_of_labels(["M+30", "U-017", "lfe"])
    assert own.labels == ("M+030", "U-017", "LFE1")
    assert own.loudspeakers[1].azimuth_deg == -17.0
    for bad, said in (
        (["L", "FL"], "comes twice"), (["L", "Q"], "no loudspeaker is called 'Q'"),
        (["M+200"], r"M\+200"), (["M+\u00b2"], "no loudspeaker"), ([], "empty"),
    ):  # fmt: skip
        with pytest.raises(AuricleError, match=said):
            layout_of_labels(bad)
