"""Records of how a result was made: versions, parameters, hashes of data; what `rerun` needs."""
