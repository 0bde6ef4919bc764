"""The catalogue: classes with icons, names, families and mirror twins."""
