#!/bin/sh
# Deploys the stack into the AWS account of your credentials.   usage: STACK=rmbg MODEL=... tools/deploy.sh [sam options]
set -eu
stack=${STACK:-rmbg}
model=${MODEL:-isnet-general-use}
cat >&2 <<TXT
rmbg: this will create, in the AWS account and region of your credentials:
  - the image repository $stack/background-removal (keeps 10 images; 0.10 USD a GB a month)
  - the CloudFormation stack $stack: a REST API, five Lambda functions, a layer, two tables, two buckets, four queues,
    their alarms, log groups and roles
  - SAM's own bucket for uploads, shared by all stacks
Idle it costs cents a month; a picture costs about 0.00005 USD a second of the image function (docs/deploy.md).
SAM asks for each parameter, shows the change set, and waits for your yes.
TXT
sh tools/side_venv.sh sam
sam=.cache/venvs/sam/bin
repository=$("$sam/python" -m tools.deployment repository "$stack")  # the first word with AWS, before the long build
sh tools/build.sh
SAM_CLI_TELEMETRY=0 "$sam/sam" deploy --guided --stack-name "$stack" --image-repository "$repository" \
  --capabilities CAPABILITY_IAM --parameter-overrides "Model=$model" "$@"
