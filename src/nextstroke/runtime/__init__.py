"""Model files, and stepping them with numpy and onnxruntime.

No torch.
"""
