"""The segmentation models: where they come from, and the step that fetches, verifies and prepares them.

    python -m layers.model isnet-general-use      or      make model MODEL=u2net

From Python: `layers.model.ready.ensure_model`. The service itself needs only the folder this makes (`model.json` and
the files it names), nothing of this package.
"""

import os

# See functions/background_removal/imaging/__init__.py: onnxruntime is not to report what is done here.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
