"""Sessions of onnxruntime, which only this module loads, with its telemetry switched off."""

import os
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_ERRORS_ONLY = 3  # onnxruntime's severity levels: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal


def load_onnxruntime() -> ModuleType:
    """Import onnxruntime without its telemetry.

    Official builds of version 1.29 and later store a device identifier and an event database in the
    user's cache folder and send events to a server of Microsoft. The variable only takes effect
    before the library is loaded, and only with the value 1. Child processes inherit it.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # The import takes a tenth of a second, which --help and refused requests must not pay.
    import onnxruntime

    # The variable has no effect if the caller of the package has loaded the library before.
    onnxruntime.disable_telemetry_events()
    return onnxruntime


def open_session(model: bytes, threads: int = 1) -> "InferenceSession":
    """Return a session that runs an ONNX model on the processor.

    Args:
        model: Bytes of an ONNX file.
        threads: Number of threads within one operator.

    Raises:
        Exception: The model is invalid; the classes that onnxruntime raises have no narrower base.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
