#!/bin/sh
# As AWS's image: with a Lambda around it start the runtime, without one the emulator, which starts it.
export _HANDLER="$1"
if [ -z "$AWS_LAMBDA_RUNTIME_API" ]; then
  exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
fi
exec /var/runtime/bootstrap
