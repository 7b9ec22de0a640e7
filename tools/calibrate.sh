#!/bin/sh
# Measures the int8 calibration ranges of models anew.   usage: tools/calibrate.sh [MODEL...]
#
# In an environment of its own, as only this needs scikit-image. Memory: 5.6 GB for isnet-general-use.
set -eu
sh tools/side_venv.sh calibrate
exec .cache/venvs/calibrate/bin/python -m layers.model.calibrate "$@"
