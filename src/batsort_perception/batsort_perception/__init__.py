"""From an image of the belt to a verdict: view, crop, preprocessing, model bundle, engine.

It measures and decides nothing. Training imports its preprocessing from here, so that what runs is
what was trained.
"""
