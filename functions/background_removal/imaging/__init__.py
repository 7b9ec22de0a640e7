"""Pure image work: inspect, decode, segment, refine, render, encode. No AWS, no HTTP."""

import os

# onnxruntime writes a device's id and a database of events under the home directory, and looks its maker's server up.
# It reads this when it is imported; whoever uses it here imports this package first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
