"""`fit-camera` and `realism`: a preset fitted to real crops, and how real presets look."""
