#!/usr/bin/env bash
# MkDocs 1.6.1: `mkdocs build --quiet --strict` ends with status 0 in spite of warnings, and says nothing.
#
# `--strict` is to "abort the build on any warnings". It counts them by a handler of the logger, and
# `--quiet` sets the logger's level to ERROR, so no warning reaches the handler.
#
# Seen on Debian 12, x86-64, Python 3.11, with a page that links to a file that is not there:
#     mkdocs build --strict            status 1, "Aborted with 1 warnings in strict mode!"
#     mkdocs build --quiet --strict    status 0, no output
#
# Fails if that is no longer so. Needs pip.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mkdocs==1.6.1
mkdir docs
echo '[a page](gone.html)' > docs/index.md
echo 'site_name: try' > mkdocs.yml

strict=0 quiet=0
venv/bin/mkdocs build --strict > strict.txt 2>&1 || strict=$?
venv/bin/mkdocs build --quiet --strict > quiet.txt 2>&1 || quiet=$?
venv/bin/mkdocs --version
echo "--strict: status $strict; --quiet --strict: status $quiet"
grep "strict mode" strict.txt
[[ $strict == 1 && $quiet == 0 && ! -s quiet.txt ]]
