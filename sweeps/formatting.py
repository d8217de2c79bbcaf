"""Numbers and words as they stand in sentences."""
