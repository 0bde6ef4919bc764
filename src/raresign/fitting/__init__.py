"""What is fitted once a net is trained: index, fusion, unknown rule, forecasts, new classes."""
