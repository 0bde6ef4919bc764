"""Countries: names, families, twins, values and drawings; one folder a country."""
