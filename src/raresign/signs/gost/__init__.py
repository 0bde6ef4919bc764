"""The Russian signs of GOST R 52290: frames, drawings, classes and variants."""
