#!/bin/sh
# The gates of the deployment: is the template right for SAM and CloudFormation, does it follow the rules of security,
# is there a wheel for all that is deployed.   usage: tools/gates.sh
#
# All of them run, even after one has failed. Nothing asks AWS. The exceptions stand where they are made:
# Metadata.checkov in template.yaml, checkov:skip in the Dockerfile, each with its reason.
set -eu
python=${VENV:-.venv}/bin/python
sam=.cache/venvs/sam/bin
checkov=.cache/venvs/checkov/bin
sh tools/side_venv.sh sam
sh tools/side_venv.sh checkov

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
failed=0

# gate TITLE COMMAND...: one line if all is well, everything the command said if not
gate() {
  title=$1
  shift
  if "$@" > "$scratch/said" 2>&1; then
    echo "ok      $title"
  else
    echo "FAILED  $title"
    cat "$scratch/said"
    failed=1
  fi
}

# Neither the account nor the settings of whoever runs this: SAM reads both unless told.
sam_validate() {
  unset AWS_PROFILE AWS_DEFAULT_PROFILE
  SAM_CLI_TELEMETRY=0 __SAM_CLI_APP_DIR=.cache/sam AWS_EC2_METADATA_DISABLED=true \
    AWS_DEFAULT_REGION=eu-central-1 AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none \
    AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null \
    "$sam/sam" validate --lint --template template.yaml
}

# Lambda's Python 3.13 is Amazon Linux 2023, which has glibc 2.34.
wheels_of() {
  "$python" -m pip download -qq --disable-pip-version-check --no-input --no-deps --only-binary=:all: --require-hashes \
    --implementation cp --python-version 3.13 --platform manylinux_2_34_x86_64 --platform manylinux_2_28_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --platform any \
    --dest "$scratch/wheels" --requirement "$1"
}

gate "sam validate --lint" sam_validate
gate "cfn-lint: template.yaml against CloudFormation's own specification" "$sam/cfn-lint" template.yaml
gate "an acyclic graph, the rules of the template, what the image copies" \
  "$python" -m pytest -q -p no:cacheprovider tests/infrastructure
gate "checkov: template.yaml" \
  "$checkov/checkov" --skip-download --quiet --compact --framework cloudformation --file template.yaml
gate "checkov: the image's Dockerfile" \
  "$checkov/checkov" --skip-download --quiet --compact --framework dockerfile --file functions/background_removal/Dockerfile
gate "wheels of the image function for Lambda's Python 3.13" wheels_of functions/background_removal/requirements.txt
gate "wheels of the core layer for Lambda's Python 3.13" wheels_of layers/core/requirements.txt
exit $failed
