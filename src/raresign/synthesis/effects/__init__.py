"""Effects of the synthesis: one family of effects a file."""
