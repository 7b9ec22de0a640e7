"""The environment of a worker: the function's own, what Lambda sets, and what Python needs to start."""

import os
import sys
from pathlib import Path
from typing import Final

from tools.local_gateway.intrinsics import PSEUDO_PARAMETERS
from tools.local_gateway.template import Function

# On AWS the shared package is a layer of the zip functions and a COPY in the image.
LAYER_PATHS: Final = ("layers/core",)
# Of this machine, and only where it is set: to find programs, a home, a place for files and shared libraries.
_PASSED_ON: Final = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_GATEWAY_ROOT: Final = Path(__file__).resolve().parents[2]


def worker_environment(function: Function, root: Path) -> dict[str, str]:
    """All variables of a worker (Lambda developer guide, "Defined runtime environment variables").

    The credentials are nobody's: a function must never reach a real account because this machine happens to have one.
    """
    region = PSEUDO_PARAMETERS["AWS::Region"]
    python_path = [*(str(root / path) for path in LAYER_PATHS), str(root), str(_GATEWAY_ROOT)]
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "PYTHONPATH": os.pathsep.join(python_path),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(root),
        "_HANDLER": function.handler,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        **function.environment,
    }
