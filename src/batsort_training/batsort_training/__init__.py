"""How a model bundle is made: photos, lessons, network, head, calibration, export."""
