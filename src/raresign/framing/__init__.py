"""Where the sign stands in its crop, and the crop cut so that the sign fills it. No torch."""
