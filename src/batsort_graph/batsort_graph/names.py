"""Topics of a cell that a replay through the core reads; without the cell's namespace."""

INFO, BUNDLE, RECIPE = "cell/info", "classifier/bundle", "ejector/recipe"
ENCODER, BARRIER, BELT, ITEMS = "belt/encoder", "belt/barrier", "belt/state", "belt/items"
VERDICTS, EVENTS, ORDER = "classifications", "ejector/events", "ejector/input_order"
DECISIONS, SHOTS, CELL = "items/decisions", "ejector/commands", "cell/state"
READINGS = "readings"
ARRIVALS, TRUTH = "bins/arrivals", "twin/truth"
IMAGES = ("camera/image_raw", "camera/image_raw/compressed")
