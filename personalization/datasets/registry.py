"""The public data sets of measured and computed HRTFs: terms, whom to cite, grid and quirks.

``verified`` says which entries were checked against their files here; the rest was written from
the publications and from memory, and the folder's own files have the last word.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dataset:
    """What is known about a data set.

    Attributes:
        name: as it is written.
        keys: parts of file and folder names that tell it, lower case.
        subjects: number of listeners published; people and dummy heads.
        grid: directions and distance, in words.
        sample_rate_hz: of the measurement.
        n_taps: of the published responses.
        license: terms, as far as known.
        citation: whom to cite.
        page: where its laboratory describes it.
        pattern: which of several SOFA files a listener has are the measured, free-field ones.
        measures: how its measures of the body are published, in words; empty if there are none.
        repeats: ids of one person who was measured several times.
        dummies: ids of dummy heads.
        quirks: what trips readers, in sentences.
        verified: whether files of it were read here.
    """

    name: str
    keys: tuple[str, ...]
    subjects: int
    grid: str
    sample_rate_hz: int
    n_taps: int
    license: str
    citation: str
    page: str
    pattern: str = "*.sofa"
    measures: str = ""
    repeats: tuple[tuple[str, ...], ...] = ()
    dummies: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()
    verified: bool = False


DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "HUTUBS", ("hutubs",), 96, "440 directions, full sphere, 1.47 m", 44100, 256,
        "CC BY 4.0",
        "Brinkmann et al. 2019, J. Audio Eng. Soc. 67, 705-718",
        "https://doi.org/10.14279/depositonce-8487",
        pattern="*HRIRs_measured.sofa",
        measures="a .csv of 13 head and torso and 12 pinna measures an ear, cm and degrees",
        repeats=(("1", "96"), ("22", "88")),
        quirks=(
            "ReceiverPosition is exchanged, zero or ten times too large; channel 0 is the left.",
            "Subjects 1 and 96, and 22 and 88, are the same heads measured twice.",
            "Measures are missing for 18, 79 and 92.",
        ),
        verified=True,
    ),
    Dataset(
        "SONICOM", ("sonicom",), 300, "793 directions, elevation -45 to 90, 1.5 m", 96000, 256,
        "CC BY-SA 3.0 (in the files)",
        "Engel et al. 2023, J. Audio Eng. Soc. 71, 241-253",
        "https://www.sonicom.eu/tools-and-resources/hrtf-dataset/",
        pattern="*FreeFieldComp_44kHz.sofa",
        measures="12 pinna measures an ear of some 90 subjects, cm and degrees",
        quirks=("The level falls by 17 dB at 18 kHz.", "Several rates and variants a subject."),
        verified=True,
    ),
    Dataset(
        "CIPIC", ("cipic", "subject_"), 45, "1250 directions, interaural-polar, 1 m", 44100, 200,
        "(c) 2001 Regents of the University of California: any use, keep the notice",
        "Algazi, Duda, Thompson and Avendano 2001, WASPAA, 99-102",
        "https://www.ece.ucdavis.edu/cipic/spatial-sound/hrtf-data/",
        measures="anthro.mat: X (17), D (8 an ear), theta (2 an ear, radians)",
        dummies=("21", "165"),
        quirks=("Pinna angles are in radians.", "In some SOFA copies the ITD is in Data.Delay."),
        verified=True,
    ),
    Dataset(
        "SADIE I", ("sadie1", "sadie_1", "sadie-1", "sadiei_"), 18,
        "170 directions, full sphere, 1.5 m", 48000, 256,
        "Apache-2.0", "Kearney and Doyle 2015, AES 139th Convention, 9423",
        "https://www.york.ac.uk/sadie-project/database_old.html",
        quirks=("Levels of neighbouring directions differ by up to 12.5 dB.",),
        verified=True,
    ),
)  # fmt: skip


def find(name: str) -> Dataset | None:
    """The data set whose key is in the name of a file or folder, else None."""
    lowered = name.lower()
    return next((each for each in DATASETS if any(k in lowered for k in each.keys)), None)
