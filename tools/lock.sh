#!/bin/sh
# Universal locks (markers and hashes for every platform and Python 3.11 to 3.14), without index addresses.
set -eu
venv=.cache/lock
[ -x $venv/bin/uv ] || { python3 -m venv $venv && $venv/bin/pip install --quiet --disable-pip-version-check uv; }
compile() { $venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --upgrade "$@"; }
compile requirements/background_removal.in -o functions/background_removal/requirements.txt
compile requirements/core.in -c functions/background_removal/requirements.txt -o layers/core/requirements.txt
compile requirements/dev.in -c functions/background_removal/requirements.txt -o requirements/dev.txt
compile requirements/run.in -c requirements/dev.txt -o requirements/run.txt
compile requirements/calibrate.in -c requirements/dev.txt -o requirements/calibrate.txt
compile requirements/node.in -o requirements/node.txt
compile requirements/bench.in -o requirements/bench.txt
compile requirements/sam.in -o requirements/sam.txt
compile requirements/checkov.in -o requirements/checkov.txt
compile requirements/ministack.in -o requirements/ministack.txt
compile requirements/lambda_base.in -o requirements/lambda_base.txt
