"""ADM files that cannot be played: one line each, status 2, and nothing but AuricleError."""

import re
import runpy
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from project import ROOT

from auricle.dsp.errors import AuricleError
from auricle.plugin_core.adm import axml as axml_module
from auricle.plugin_core.cli import main
from auricle.plugin_core.scene.scene import Scene

MAKER = SimpleNamespace(**runpy.run_path(str(ROOT / "examples" / "adm_master.py")))
Block, Sound, polar, cartesian = MAKER.Block, MAKER.Sound, MAKER.polar, MAKER.cartesian


def sounds() -> list[Any]:
    """A little of everything."""
    moving = [
        Block(0.0, 0.5, polar(1, 2) + '<gain gainUnit="dB">-3</gain><width>3</width>'),
        Block(0.5, 0.5, polar(3, 4)),
        Block(1.0, 0.5, cartesian(0.1, 0.2, 0.3)
              + '<jumpPosition interpolationLength="0.1">1</jumpPosition>'),
    ]  # fmt: skip
    hoa = [
        (f"a{i}", [Block(content=f"<order>{n}</order><degree>{m}</degree>"
                         "<normalization>SN3D</normalization>")])
        for i, (n, m) in enumerate([(0, 0), (1, -1), (1, 0), (1, 1)])
    ]  # fmt: skip
    bed = [
        (label, [Block(content=f"<speakerLabel>{label}</speakerLabel>{polar(angle, 0)}")])
        for label, angle in (("M+030", 30), ("M-030", -30), ("LFE", 0))
    ]
    return [
        Sound("Voice", [("o", moving)], attributes='start="00:00:00.1" duration="00:00:01.5"',
              content='<gain>0.5</gain><positionOffset coordinate="azimuth">5</positionOffset>'),
        Sound("Field", hoa, "HOA"),
        Sound("Bed", bed, "DirectSpeakers"),
    ]  # fmt: skip


AXML, ROWS = MAKER.document(sounds())
Change = Callable[[str], str]


def write(path: Path, axml: str | bytes = AXML, rows: Any = ROWS, form: bytes = b"BW64") -> Path:
    MAKER.write_adm(path, np.zeros((8, 4800), np.float32), axml, rows, form)
    return path


def put(old: str, new: str) -> Change:
    def change(axml: str) -> str:
        assert old in axml
        return axml.replace(old, new, 1)

    return change


def refused(path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which rendering a file ends."""
    with pytest.raises(SystemExit) as stopped:
        main(["render", "--scene", str(path), "-o", str(path.with_name("o.wav")), *arguments])
    assert stopped.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert len(lines) == 1
    assert not path.with_name("o.wav").exists()
    return lines[0]


def test_the_whole_file_is_fine(tmp_path: Path) -> None:
    assert len(Scene.load(write(tmp_path / "m.wav")).tracks) == 3


UID = "ATU_00000001"
TWICE = put("</audioObject>", f"<audioTrackUIDRef>{UID[:-1]}a</audioTrackUIDRef></audioObject>")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put(">1.000000</position>", ">nan</position>"), "line 5: position: must be a finite"),
        (put(">1.000000</position>", "></position>"), "must be a finite number, not ''"),
        (put(">2.000000</position>", ">95</position>"), "the elevation is from -90 to 90, got 95"),
        (put('rtime="00:00:00.50000"', 'rtime="0.5"'), "rtime: '0.5' is no time; it is written hh"),
        (put('rtime="00:00:00.50000"', 'rtime="00:00:02.0"'), "AC_00031001 (Voice): its blocks are "
         "out of order: block 3 begins at 1 s and the one before at 2 s"),
        (put('rtime="00:00:00.50000"', ""), "several blocks and one without rtime"),
        (put('<position coordinate="azimuth">1.000000</position>', ""), "a position of Objects has "
         "azimuth and elevation, or X and Y"),
        (put('coordinate="elevation"', 'coordinate="azimuth"'), "has the position's azimuth twice"),
        (put(">-3</gain>", ">100</gain>"), "a gain is from 0 to 1000 (60 dB), got 100"),
        (put(">0.5</gain>", ">-1</gain>"), "a gain is from 0 to 1000 (60 dB), got -1"),
        (put('interpolationLength="0.1"', 'interpolationLength="inf"'), "must be a finite number"),
        (put("</audioBlockFormat>", ""), "not XML (mismatched tag)"),
        (put("ACO_1001</audioContentIDRef>", "ACO_1002</audioContentIDRef>"),
         "APR_1001: audioContent 'ACO_1002' is not there"),
        (put("<audioObjectIDRef>AO_03e9", "<audioObjectIDRef>AO_0001"), "audioObject 'AO_0001'"),
        (TWICE, "AO_03e9 (Voice) plays ATU_0000000a, for which the chna chunk has no track"),
        (put("</audioObject>", "<audioObjectIDRef>AO_03e9</audioObjectIDRef></audioObject>"),
         "audioObject AO_03e9 holds itself"),
        (put("AC_00031001</audioChannelFormatIDRef>", "AC_00031fff</audioChannelFormatIDRef>"),
         "audioChannelFormat 'AC_00031fff' is not there"),
        (put('audioPackFormatID="AP_00031001"', 'audioPackFormatID="AP_0003100f"'),
         "audioPackFormat 'AP_00031001' is not there"),
        (put('typeDefinition="Objects"', 'typeDefinition="Things"'), "typeDefinition 'Things'"),
        (put("<normalization>SN3D", "<normalization>FuMa"),
         "Field: HOA in the normalisation fuma, sn3d"),
        (put("<degree>-1</degree>", "<degree>1</degree>"), "HOA of 3 channels up to order 1"),
        (put("<degree>-1</degree>", ""), "(a1): an HOA channel has an order and a degree"),
        (put('audioObjectID="AO_03ea"', 'audioObjectID="AO_03e9"'), "AO_03e9: stands there twice"),
        (put("AT_00031001_01</audioTrackFormatIDRef><audioPack", "AT_00031002_01"
             "</audioTrackFormatIDRef><audioPack"), "chna says AT_00031001_01, axml AT_"),
        (put("<ebuCoreMain", '<!DOCTYPE a [<!ENTITY b "bb">]><ebuCoreMain'),
         "line 2: has a document type declaration, which ADM has not"),
        (put('encoding="UTF-8"', 'encoding="x-none"'), "encoding that is not known"),
        (put("<coreMetadata>", "<a>" * 70), "nested deeper than 64"),
    ],
)  # fmt: skip
def test_bad_xml(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Change, said: str
) -> None:
    line = refused(write(tmp_path / "m.wav", change(AXML)), capsys)
    assert line.startswith(f"auricle: error: {tmp_path}/m.wav: ")
    assert said in line


def test_entities_are_not_expanded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY a "' + "x" * 1000 + '">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 100}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )  # fmt: skip
    line = refused(write(tmp_path / "m.wav", bomb + "]><a>&i;</a>"), capsys)
    assert "has a document type declaration" in line


def test_ways_to_objects_and_elements_are_limited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each object holds the next one twice: 2^40 ways."""
    tangle = "".join(
        f'<audioObject audioObjectID="AO_{i}" audioObjectName="o">'
        + f"<audioObjectIDRef>AO_{i + 1}</audioObjectIDRef>" * (2 if i < 25 else 0)
        + "</audioObject>"
        for i in range(26)
    )
    nested = f"<audioFormatExtended>{tangle}</audioFormatExtended>"
    assert "more than 20000 ways" in refused(write(tmp_path / "m.wav", nested), capsys)
    monkeypatch.setattr(axml_module, "MOST_BLOCKS", 9)
    assert "more than 9 blocks" in refused(write(tmp_path / "m.wav"), capsys)
    monkeypatch.setattr(axml_module, "MOST_ELEMENTS", 50)
    assert "more than 50 elements" in refused(write(tmp_path / "m.wav"), capsys)
    monkeypatch.setattr(axml_module, "MOST_BYTES", 5000)
    assert "more than 5000 are not read" in refused(write(tmp_path / "m.wav"), capsys)


def test_packs_may_hold_each_other_in_circles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each pack holds the next one twice, the last one the first, and the channel is in none."""
    pack = "AP_00031001"
    inner = "".join(
        f'<audioPackFormat audioPackFormatID="AP_0003{i:04x}" typeDefinition="Objects">'
        + f"<audioPackFormatIDRef>AP_0003{i + 1:04x}</audioPackFormatIDRef>" * 2
        + "</audioPackFormat>"
        for i in range(0x2000, 0x2040)
    ).replace("AP_00032040", pack)
    channel = "<audioChannelFormatIDRef>AC_00031001</audioChannelFormatIDRef></audioPackFormat>"
    change = put(
        channel, "<audioPackFormatIDRef>AP_00032000</audioPackFormatIDRef></audioPackFormat>"
    )
    axml = put("</audioFormatExtended>", inner + "</audioFormatExtended>")(change(AXML))
    line = refused(write(tmp_path / "m.wav", axml), capsys)
    assert f"ATU_00000001: AC_00031001 is not in its pack {pack}" in line


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "has an axml chunk and no chna chunk"),
        (
            [(99, *ROWS[0][1:]), *ROWS[1:]],
            "ATU_00000001 is on track 99, and the file has 8 channels",
        ),
        ([ROWS[0], *ROWS], "chna: ATU_00000001 stands there twice"),
        (ROWS[:-1], "AO_03eb (Bed) plays ATU_00000008, for which the chna chunk has no track"),
    ],
)
def test_bad_chna(tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: Any, said: str) -> None:
    assert said in refused(write(tmp_path / "m.wav", rows=rows), capsys)


@pytest.mark.parametrize("form", [b"RIFF", b"RF64", b"BW64"])
def test_files_that_are_cut_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: bytes
) -> None:
    content = write(tmp_path / "m.wav", form=form).read_bytes()
    for length in (13, 45, 120, 600, 3000, len(content) - 1000):
        (tmp_path / "m.wav").write_bytes(content[:length])
        line = refused(tmp_path / "m.wav", capsys)
        assert "cut off" in line or "has no chunk" in line


def test_sizes_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = write(tmp_path / "m.wav", form=b"RIFF").read_bytes()
    for name, at, size in ((b"axml", 4, 0xFFFFFFF0), (b"chna", 4, 2), (b"fmt ", 10, 0)):
        place = content.index(name) + at
        (tmp_path / "m.wav").write_bytes(
            content[:place] + struct.pack("<I", size) + content[place + 4 :]
        )
        assert "export it again" in refused(tmp_path / "m.wav", capsys)
    place = content.index(b"chna") + 8
    (tmp_path / "m.wav").write_bytes(content[:place] + b"\xff\xff\xff\xff" + content[place + 4 :])
    assert "says it has 65535 tracks and has room for 8" in refused(tmp_path / "m.wav", capsys)


def test_what_is_no_master_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "plain.wav", np.zeros((100, 2)), 48000)
    line = refused(tmp_path / "plain.wav", capsys)
    assert "without ADM (no axml or chna chunk), which is no scene; render it as a track" in line
    write(tmp_path / "m.wav")
    line = refused(tmp_path / "m.wav", capsys, "--programme", "APR_2000")
    assert "no programme 'APR_2000'; there are APR_1001 (Mix)" in line
    assert "leave the folder out" in refused(tmp_path / "m.wav", capsys, "--folder", str(tmp_path))
    (tmp_path / "s.json").write_text('{"auricle_scene": 1}')
    assert "only ADM masters have programmes" in refused(
        tmp_path / "s.json", capsys, "--programme", "x"
    )


def test_the_master_is_not_overwritten(tmp_path: Path) -> None:
    scene = Scene.load(write(tmp_path / "m.wav"))
    with pytest.raises(AuricleError, match=r"m\.wav: tracks\[0\]\.file: .*choose another output"):
        scene.render(tmp_path / "m.wav")


@pytest.mark.parametrize("kind", ["empty programme", "binaural only"])
def test_nothing_to_play(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    if kind == "empty programme":
        axml, rows = put("<audioContentIDRef>ACO_1001</audioContentIDRef>", "")(AXML), ROWS
        said = "there is nothing to play: its programme has no tracks"
    else:
        axml, rows = MAKER.document([Sound("ears", [("l", [Block()])], "Binaural")])
        said = "nothing to play: Binaural channels without a pair (l) are left out: ears"
    assert said in refused(write(tmp_path / "m.wav", axml, rows), capsys)


# --- seeded mutations --------------------------------------------------------------------------

NUMBERS = ("nan", "-inf", "-1", "1e400", "", "x", "0", "9" * 400, "1_0", "1e-320", "-1e308", "91",
           "00:00:01.5S2", "00:00:01.1S3", "99:99:99")  # fmt: skip
TEXT = re.compile(r'>[-0-9.]+<|"[-0-9.:]+"')
LEAF = re.compile(r"<(\w+)[^<>]*>[^<>]*</\1>")
ATTRIBUTE = re.compile(r' \w+="[^"]*"')
ID = re.compile(r"A[A-Z]+_[0-9a-f_]+")


def mutated(axml: str, rng: np.random.Generator) -> str:
    pattern = (TEXT, ID, LEAF, LEAF, ATTRIBUTE)[kind := rng.integers(5)]
    found = list(pattern.finditer(axml))
    hit = found[rng.integers(len(found))]
    begin, end, text = hit.start(), hit.end(), hit.group()
    if kind == 0:
        text = text[0] + NUMBERS[rng.integers(len(NUMBERS))] + text[-1]
    elif kind == 1:
        text = found[rng.integers(len(found))].group()
    else:
        text = text * 2 if kind == 2 else ""
    return axml[:begin] + text + axml[end:]


def load(path: Path) -> bool:
    """Whether a file is a scene; what is none is refused in one line."""
    said = ""
    try:
        Scene.load(path)
    except AuricleError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 600
    return not said


def test_mutated_xml_is_played_or_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    played = 0
    for _ in range(400):
        axml = AXML
        for _ in range(rng.integers(1, 4)):
            axml = mutated(axml, rng)
        played += load(write(tmp_path / "m.wav", axml))
    assert 20 < played < 380


def test_mutated_bytes_are_played_or_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    played = 0
    for n in range(400):
        write(tmp_path / "m.wav", form=(b"RIFF", b"RF64", b"BW64")[n % 3])
        content = bytearray((tmp_path / "m.wav").read_bytes())
        most = 500 if n % 2 else len(content) - 8 * 4800 * 4
        for at in rng.integers(12, most, rng.integers(1, 5)):
            content[at] = rng.integers(256)
        (tmp_path / "m.wav").write_bytes(content)
        played += load(tmp_path / "m.wav")
    assert 5 < played < 390
