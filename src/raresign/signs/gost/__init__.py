"""The Russian signs of GOST R 52290: frames, drawings by group, classes and variants."""
