"""docs/scene.md, written from the model: ``python -m auricle.plugin_core.tables.pages``."""

from auricle.plugin_core.scene.format import model
from auricle.plugin_core.scene.format.schema import tables
from auricle.plugin_core.scene.scene import Scene

_HEAD = """\
# Scenes: a mix in one file

A scene is a JSON file: stems, the chain of plugins of each, where each is and how it moves, who
listens, and what happens to the sum. `auricle render` makes the binaural master of it.

```sh
auricle render --scene scene.json -o master.wav --plot master.png
```

```json
{
  "auricle_scene": 1,
  "tracks": [
    {
      "file": "vocals.wav",
      "chain": [{"plugin": "Compressor", "parameters": {"threshold_db": -20, "ratio": 3}}],
      "position": {"azimuth_deg": 30, "distance_m": 1.5}
    },
    {"file": "bells.flac", "gain_db": -6, "position": {"orbit_seconds": 8, "elevation_deg": 30}}
  ],
  "master": {"loudness": {"target_lufs": -16}, "limiter": {"ceiling_db": -1}}
}
```

`examples/song.json` is a whole song. Its stems are not part of the repository: any folder that
holds files of these names will do, and `--folder` names it. The head trace comes from a
published recording.

```sh
python examples/convert_head_traces.py multiviewpoint user1_quaternion.txt.gz poses.csv
auricle render --scene examples/song.json --folder STEMS --head-track poses.csv \\
    -o song.wav --plot song.png
```

![The song: ways from above, directions at the head, loudness](pictures/song.png)

A master with an Audio Definition Model (Dolby Atmos, EBU) is a scene too: `--scene MASTER.wav`,
see `adm.md`.

In Python:

```python
scene = auricle.Scene.load("scene.json")
scene.render("master.wav", plot="master.png")
scene.save("copy.json")
block = scene.process(512)  # (2, 512) float32, any size; scene.reset() starts anew

from auricle.plugin_core.scene.format.model import Orbit, Track  # and the rest of what stands below

auricle.Scene(tracks=[Track("bells.flac", position=Orbit(8.0))]).render("bells.wav")
```

## Rules

- File names are seen from `folder`, which is seen from the scene file. `--folder`, `--hrtf`,
  `--head-track`, `--rank`, `--level`, `--sample-rate`, `--encoding`, `--limit` stand in for what
  the scene says, `--loudness` for its gain too, and `--gain` is added to that.
- An output that would cut peaks (24 bit) is refused with the gain that is due, not written. A
  loudness target that the limiter leaves out of reach is missed with a sentence that says by how
  much.
- Unknown keys are refused, with the known key that comes nearest. Errors are one line that names
  the file, the line and the key: `scene.json: line 12: tracks[1].gain_db: must be from -200 to
  60, got 90`.
- A key stands once. Scenes cannot include other scenes, so there are no cycles; an output that
  would replace a stem, the set or the scene itself is refused.
- Angles are in degrees, azimuth counter-clockwise (+90 left), elevation up; positions in metres,
  x front, y left, z up, in the room: they do not turn with the head.
- Stems may have any sample rate; they are resampled while they are read.

## The file

"""

_FOOT = """\
## What to know

- **Motion** is taken every 128 samples and is linear in between. A stereo track is two sources,
  turned by half of `width_deg` to each side around the origin of the room;
  `source_width_deg` makes each of them wide (`distance.md`).
- **Plugins** run in blocks that do not depend on how the scene is read or rendered, each track
  in order: chain, fader, distance, place. What a plugin delays is lined up: it is given more
  audio until what is due is there. Every plugin is tried before the rendering begins, on noise,
  in blocks and in one piece; one that is silent in blocks (pedalboard's PitchShift and
  GSMFullRateCompressor), changes the length or fails is refused with that reason. VST3 plugins
  are tried in a process of their own, so that one that crashes takes nothing along.
- **The result** is the same for every number of workers, bit by bit, and for every block size to
  better than -90 dB.
- **Loudness** is that of ITU-R BS.1770-4, gated, of the whole master. The sum is kept beside the
  output as 32-bit float until the gain is known, in a file without a name that vanishes by
  itself; if the limiter takes loudness away, the gain is raised until the target is met. The
  **limiter** looks ahead 5 ms and at the true peak, four-fold oversampled.
- **The output** appears under its name when it is whole, or not at all.
- **Beds and ambisonics** stand around the head wherever it goes, and turn against it; `position`,
  `width_deg`, `distance`, `directivity` and `source_width_deg` are those of objects. Which channel
  is which, by the scene or the header of the file, and how they are decoded: `ambisonics.md`; what
  distance does: `distance.md`.
- **What does not turn**: a track of type `binaural` goes to the two ears as it is (one channel to
  both), whatever the head does. It waits for the time that sound from ahead takes through the
  listener's set, so that it is in step with the others; alone it is copied bit by bit. An object
  with `head_locked` is a place seen from the head: it goes and turns with it. The six channels of
  360-degree video (W Y Z X and a stereo pair for the head) are two tracks of one file:

```json
"tracks": [
  {"file": "video.wav", "type": "ambisonic", "order": 1, "channels": [1, 2, 3, 4]},
  {"file": "video.wav", "type": "binaural", "channels": [5, 6]}
]
```

- **Width over time**: `source_width_deg` of keyframes grows and shrinks evenly between them, as
  places do, though by at most 60 degrees a second (`distance.md`).

## CSV of positions

```
time_seconds,azimuth_deg,elevation_deg,distance_m,gain_db
0,30,0,1.5,0
2.5,-40,10,1.5,-3
```

or `time_seconds,x,y,z`. Times count from the start of the scene and must rise; a repeated time
keeps its first row; before the first row and behind the last one the source rests.
"""


def text() -> str:
    """The whole page."""
    kinds: list[type] = [
        Scene, model.Track, model.BuiltInPlugin, model.Vst3Plugin, model.Static, model.Orbit,
        model.Keyframes, model.Keyframe, model.PositionFile, model.Distance,
        model.Directivity, model.Air, model.Listener, model.Master, model.Loudness,
        model.Limiter, model.Output,
    ]  # fmt: skip
    return _HEAD + tables(kinds) + "\n" + _FOOT
