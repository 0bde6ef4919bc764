"""Layouts that real crops come in: readers with one result type."""
