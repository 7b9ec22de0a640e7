#!/bin/sh
# `sam build` of the stack: the container image (needs a container engine) and the zip functions.   usage: tools/build.sh
set -eu
model=${MODEL:-isnet-general-use}
sh tools/setup.sh run
sh tools/side_venv.sh sam
folder=$("${VENV:-.venv}/bin/python" -m layers.model "$model")
rm -rf build/model
mkdir -p build
cp -R "$folder" build/model
# The layer's Makefile calls pip for Lambda's Python: any interpreter does, the one beside SAM is surely there.
PYTHON=$PWD/.cache/venvs/sam/bin/python SAM_CLI_TELEMETRY=0 .cache/venvs/sam/bin/sam build
