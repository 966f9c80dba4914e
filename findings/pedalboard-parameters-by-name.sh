#!/usr/bin/env bash
# pedalboard 0.9.26 sets a VST3 parameter by its name to one of 1000 steps of the range, although the
# plugin takes finer values by `raw_value`, and says nothing.
#
# Seen with ZamCompX2 of Debian's zam-plugins 4.1 (Debian 12, x86-64, Python 3.11):
#     attack_ms = 0.15 by name runs as 0.1999; by raw_value it runs as 0.15
# A range of 0.1 to 100 ms has steps of 0.1 ms. The plugin's own answer for the text, which is right, is
# thrown away because it lies outside the step that is nearest.
#
# Fails if that is no longer so. Needs apt (to fetch the plugin, nothing is installed) and pip.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pedalboard==0.9.26
apt-get download --quiet zam-plugins
dpkg -x zam-plugins_4.1*.deb .
cat > try.py <<'PY'
import pedalboard

plugin = pedalboard.VST3Plugin("usr/lib/vst3/ZamCompX2.vst3")
plugin.attack_ms = 0.15
by_name = float(plugin.attack_ms)
parameter = plugin.parameters["attack_ms"]
parameter.raw_value = parameter.get_raw_value_for_text("0.15")
by_raw = float(plugin.attack_ms)
print(f"pedalboard {pedalboard.__version__}: by name {by_name:g} ms, by raw value {by_raw:g} ms")
assert abs(by_name - 0.1999) < 1e-4, "pedalboard is more exact than it was"
assert abs(by_raw - 0.15) < 1e-4
PY
venv/bin/python try.py 2> warnings.txt || { cat warnings.txt >&2; exit 1; }
