"""Records of runs, what is stale, lineage and reproduction."""
