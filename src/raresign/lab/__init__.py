"""The laboratory: what judges ideas and measures the published system. Nothing else imports it."""
