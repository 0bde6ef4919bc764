"""Samplers: which items a step trains on, as pure functions of the step."""
