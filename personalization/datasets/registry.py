"""The public data sets of measured and computed HRTFs: terms, whom to cite, grid and quirks.

``verified`` says of which sets responses were read here; the other entries were written from
publications and from memory, as were all names of files, so the folder's own files have the last
word.

A set is added by an entry here, or from outside (``DATASETS.register``, or an entry point of the
group ``auricle.datasets``; docs/extending.md).
"""

import re
from dataclasses import dataclass

from auricle.dsp.registry import Registry


@dataclass(frozen=True)
class Dataset:
    """A data set: terms, whom to cite, grid, quirks.

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
        verified: whether responses of it were read here.
        compared_counts: numbers of measured directions that comparisons try.
        lap_sets: whether those are the directions of the LAP challenge, else evenly spread ones.
        dense_rows: listeners of whom every second direction is left out, where nobody says whom.
        ships: whether weights that ship may learn from it.
        learned: whether end-to-end systems learn from it and are compared on it where no set is
        named.
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
    compared_counts: tuple[int, ...] = (4, 9, 16, 100)
    lap_sets: bool = False
    dense_rows: tuple[int, ...] = ()
    ships: bool = False
    learned: bool = False


DATASETS = Registry("data set", "auricle.datasets", Dataset, (
    Dataset(
        "HUTUBS", ("hutubs",), 96, "440 directions, full sphere, 1.47 m", 44100, 256,
        "CC BY 4.0",
        "Brinkmann et al. 2019, J. Audio Eng. Soc. 67, 705-718",
        "https://doi.org/10.14279/depositonce-8487",
        pattern="*HRIRs_measured.sofa",
        measures="AntrhopometricMeasures.csv: 13 of head and torso, 12 an ear, cm and degrees",
        repeats=(("1", "96"), ("22", "88")),
        quirks=(
            "ReceiverPosition is exchanged, zero or ten times too large; channel 0 is the left.",
            "Subjects 1 and 96, and 22 and 88, are the same heads measured twice.",
            "Measures are missing for 18, 79 and 92.",
        ),
        verified=True, dense_rows=(10, 30, 50), ships=True, learned=True,
    ),
    Dataset(
        "SONICOM", ("sonicom",), 300, "793 directions, elevation -45 to 90, 1.5 m", 96000, 256,
        "CC BY-SA 3.0 (in the files)",
        "Engel et al. 2023, J. Audio Eng. Soc. 71, 241-253",
        "https://www.sonicom.eu/tools-and-resources/hrtf-dataset/",
        pattern="*FreeFieldComp_44kHz.sofa",
        measures="12 pinna measures an ear of some 90 subjects, cm and degrees",
        quirks=("The level falls by 17 dB at 18 kHz.", "Several rates and variants a subject."),
        verified=True, compared_counts=(3, 5, 19, 100), lap_sets=True, dense_rows=(0, 20, 40),
        learned=True,
    ),
    Dataset(
        "CIPIC", ("cipic",), 45, "1250 directions, interaural-polar, 1 m", 44100, 200,
        "(c) 2001 Regents of the University of California: any use, keep the notice",
        "Algazi, Duda, Thompson and Avendano 2001, WASPAA, 99-102",
        "https://www.ece.ucdavis.edu/cipic/spatial-sound/hrtf-data/",
        measures="anthro.mat: X (17), D (8 an ear), theta (2 an ear, radians)",
        dummies=("21", "165"),
        quirks=("Pinna angles are in radians.", "In some SOFA copies the ITD is in Data.Delay."),
        verified=True, dense_rows=(0, 10, 20), ships=True, learned=True,
    ),
    Dataset(
        "SADIE II", ("sadie2", "sadie_ii", "sadie-ii", "sadie ii"), 20,
        "2818 directions of people, up to 8802 of the heads D1 and D2, 1.2 m", 96000, 512,
        "Apache-2.0", "Armstrong, Thresh, Murphy and Kearney 2018, Applied Sciences 8, 2029",
        "https://www.york.ac.uk/sadie-project/database.html",
        pattern="*48K_24bit_256tap_FIR_SOFA.sofa",
        dummies=("D1", "D2"),
        quirks=("The dummy heads have another grid than the people and are left out.",),
    ),
    Dataset(
        "SADIE I", ("sadie1", "sadie_i", "sadie-i", "sadie i"), 18,
        "170 directions, full sphere, 1.5 m", 48000, 256,
        "Apache-2.0", "Kearney and Doyle 2015, AES 139th Convention, 9423",
        "https://www.york.ac.uk/sadie-project/database_old.html",
        quirks=("Levels of neighbouring directions differ by up to 12.5 dB.",),
        verified=True, compared_counts=(3, 5, 19, 100),
    ),
    Dataset(
        "ARI", ("ari",), 221, "1550 directions, elevation -30 to 80, 1.2 m", 48000, 256,
        "CC BY-SA 3.0", "Majdak, Goupell and Laback 2010, Atten. Percept. Psychophys. 72, 454-469",
        "https://www.oeaw.ac.at/isf/das-institut/software/hrtf-database",
        pattern="hrtf_nh*.sofa",
        measures="anthro.mat in CIPIC's layout, of 50 to 60 subjects",
        quirks=("The files dtf_nh*.sofa beside are diffuse-field equalised.",),
    ),
    Dataset(
        "LISTEN", ("listen",), 51, "187 directions, elevation -45 to 90, 1.95 m", 44100, 512,
        "free use, keep the notice", "Warusfel 2003, LISTEN HRTF database, IRCAM and AKG",
        "http://recherche.ircam.fr/equipes/salles/listen/",
        measures="one text a subject, not in CIPIC's names; bring them as anthropometry.csv",
        quirks=("Some copies say 48000 Hz and are 44100: true_sample_rate=44100.",
                "ReceiverPosition is exchanged in some copies; channel 0 is the left."),
    ),
    Dataset(
        "RIEC", ("riec",), 105, "865 directions, elevation -30 to 90, 1.5 m", 48000, 512,
        "research, academic and educational use; no modified copies, no commercial use (its page)",
        "Watanabe, Iwaya, Suzuki, Takane and Sato 2014, Acoust. Sci. Tech. 35, 159-165",
        "https://www.riec.tohoku.ac.jp/pub/hrtf/",
        measures="a table of 39 subjects, not in CIPIC's names; bring them as anthropometry.csv",
    ),
    Dataset(
        "ITA", ("ita",), 48, "2304 directions, 5 by 5 degrees, 1 m", 44100, 256,
        "CC BY-NC-SA 4.0",
        "Bomhardt, de la Fuente Klein and Fels 2016, Proc. Meet. Acoust. 29, 050002",
        "https://www.akustik.rwth-aachen.de/go/id/lsly",
        measures="a table of head and pinna, not in CIPIC's names; bring them as anthropometry.csv",
    ),
    Dataset(
        "3D3A", ("3d3a", "princeton"), 38, "648 directions, elevation -57 to 75, 0.76 m",
        96000, 2048,
        "see its page", "Sridhar, Tylka and Choueiri 2017, AES 143rd Convention, e-Brief",
        "https://www.princeton.edu/3D3A/HRTFMeasurements.html",
        measures="head dimensions of some subjects; bring them as anthropometry.csv",
    ),
    Dataset(
        "BiLi", ("bili",), 57, "1680 directions, elevation -51 to 86, 2.06 m", 96000, 1024,
        "any use, keep the notice and acknowledge (in the files)",
        "Carpentier, Bahu, Noisternig and Warusfel 2014, 7th Forum Acusticum",
        "http://bili2.ircam.fr/",
        quirks=("Several rates, raw and compensated files, and second-order sections, which are "
                "not read; 3 dummy heads.",),
    ),
    Dataset(
        "CHEDAR", ("chedar",), 1253, "2522 directions at 0.2, 0.5, 1 and 2 m, computed", 48000, 512,
        "see its page", "Ghorbal, Bonjour and Seguier 2020, AES 148th Convention, e-Brief",
        "https://www.sofaconventions.org/data/database/chedar/",
        measures="parameters of the ear model; bring them as anthropometry.csv",
        quirks=("Boundary elements of a shape model, not people: do not test on it alone.",),
    ),
    Dataset(
        "Viking", ("viking",), 20, "1513 directions, elevation -45 to 90, 1 m", 48000, 256,
        "CC BY 4.0", "Spagnol, Purkhus, Bjornsson and Unnthorsson 2019, Sound Music Comput., 55-60",
        "https://doi.org/10.5281/zenodo.4160401",
        quirks=("One dummy head with artificial pinnae: all share head and torso.",),
    ),
))  # fmt: skip


def find(name: str) -> Dataset | None:
    """The data set whose key is a word in the name of a file or folder, else None."""
    lowered = name.lower()
    for each in DATASETS.usable():
        if any(re.search(rf"(?<![a-z]){re.escape(key)}(?![a-z])", lowered) for key in each.keys):
            return each
    return None
