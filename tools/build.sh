#!/bin/sh
# `sam build` of the stack: the container image (needs a container engine) and the zip functions.
#   usage: MODEL=... CATALOGUE=plans.json tools/build.sh
set -eu
model=${MODEL:-isnet-general-use}
catalogue=${CATALOGUE:-layers/core/rmbg/catalogue.json}
sh tools/setup.sh run
python=${VENV:-.venv}/bin/python
# Checked before anything long: a function with a broken catalogue fails each of its cold starts.
"$python" -c '
import sys
from rmbg.config import InvalidSetting, load_catalogue
try:
    load_catalogue(sys.argv[1])
except InvalidSetting as error:
    sys.exit(f"rmbg: {error}")
' "$catalogue"
sh tools/side_venv.sh sam
folder=$("$python" -m layers.model "$model")
rm -rf build/model
mkdir -p build
cp -R "$folder" build/model
cp "$catalogue" build/catalogue.json
# The layer's Makefile calls pip for Lambda's Python: any interpreter does, the one beside SAM is surely there.
PYTHON=$PWD/.cache/venvs/sam/bin/python CATALOGUE=$PWD/build/catalogue.json SAM_CLI_TELEMETRY=0 .cache/venvs/sam/bin/sam build
