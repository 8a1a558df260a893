"""Producers: tools and data sets whose tables are known by their columns."""
