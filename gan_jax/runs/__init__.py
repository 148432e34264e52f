"""One run from settings to files: start, driver, watchers, repetition. Imports every room but sweeps and cli."""
