"""`catalogue gost`: the drawn signs as tables, files and sheets."""
