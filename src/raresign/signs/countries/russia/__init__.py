"""Russia: the signs of GOST R 52290."""
