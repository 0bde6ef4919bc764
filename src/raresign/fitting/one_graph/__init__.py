"""The whole model as one ONNX graph: a picture in, the answer out, in any language."""
