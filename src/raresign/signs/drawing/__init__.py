"""Signs drawn from parts: shapes, pictograms and lettering, composed as SVG."""
