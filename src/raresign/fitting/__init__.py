"""Fitting: what is fitted once a net is trained: index, rules, rows of new classes, forecasts."""
