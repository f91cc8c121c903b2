"""The network as a lossless compressor: integers from end to end, so that it decodes to the byte anywhere."""
