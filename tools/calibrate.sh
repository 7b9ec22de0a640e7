#!/bin/sh
# Measures the int8 calibration ranges of models anew.   usage: tools/calibrate.sh [MODEL...]
#
# In an environment of its own, as only this needs scikit-image. Memory: 5.6 GB for isnet-general-use.
set -eu
venv=.cache/calibrate
lock=requirements/calibrate.txt
[ -x "${VENV:-.venv}/bin/python" ] || sh tools/setup.sh run
want=$(cksum < "$lock")
if [ "$(cat "$venv/.installed" 2>/dev/null)" != "$want" ]; then
  echo "rmbg: installing the locked requirements ($lock) into $venv" >&2
  rm -rf "$venv"
  "${VENV:-.venv}/bin/python" -m venv "$venv"
  "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input --only-binary=:all: --require-hashes -r "$lock" || {
    echo "rmbg: the packages could not be installed; check the network and run the same command again" >&2
    exit 1
  }
  echo "$want" > "$venv/.installed"
fi
exec "$venv/bin/python" -m layers.model.calibrate "$@"
