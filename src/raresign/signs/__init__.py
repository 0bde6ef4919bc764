"""Signs: which exist, their icons and drawings, what a country says. Never imports torch."""
