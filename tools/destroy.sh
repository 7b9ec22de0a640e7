#!/bin/sh
# Deletes the stack and its images.   usage: STACK=rmbg CONFIRM=rmbg tools/destroy.sh
set -eu
stack=${STACK:-rmbg}
if [ "${CONFIRM:-}" != "$stack" ]; then
  echo "rmbg: this deletes the stack $stack and its image repository; to do so: make destroy CONFIRM=$stack" >&2
  exit 2
fi
sh tools/side_venv.sh sam
sam=.cache/venvs/sam/bin
SAM_CLI_TELEMETRY=0 "$sam/sam" delete --stack-name "$stack" --no-prompts
"$sam/python" -m tools.deployment remove-repository "$stack"
