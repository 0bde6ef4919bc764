"""`synth`: synthetic crops on disk, their manifest and sheets."""
