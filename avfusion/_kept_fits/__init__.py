"""Finished fits that are kept in a folder, under hashes of all that they depend on."""
