"""Measures Annograph beside PostGraphile and beside the limits of the databases."""
