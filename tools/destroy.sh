#!/bin/sh
# Deletes the stack, what it keeps, and its images.   usage: STACK=rmbg CONFIRM=rmbg tools/destroy.sh
#
# The tables, the buckets and the user pool outlive the stack on purpose. They go first: the stack knows their names, so
# whatever interrupts this, it can be run again.
set -eu
stack=${STACK:-rmbg}
if [ "${CONFIRM:-}" != "$stack" ]; then
  cat >&2 <<TXT
rmbg: this deletes, in the AWS account and region of your credentials:
  - the stack $stack, and with it the API
  - its tables, protected or not, with all accounts, keys and credits (AWS keeps a last backup of CoreTable for 35 days)
  - its buckets, with all pictures and results in them, the operator's own in inbox/ included
  - its user pool with all users, if it made one
  - the image repository $stack/background-removal
To do so: make destroy STACK=$stack CONFIRM=$stack
TXT
  exit 2
fi
sh tools/side_venv.sh sam
sam=.cache/venvs/sam/bin
"$sam/python" -m tools.deployment remove-retained "$stack"
SAM_CLI_TELEMETRY=0 "$sam/sam" delete --stack-name "$stack" --no-prompts
"$sam/python" -m tools.deployment remove-repository "$stack"
