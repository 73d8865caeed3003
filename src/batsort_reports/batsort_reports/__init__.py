"""Reports on a cell's runs: bags in, figures and pages out."""
