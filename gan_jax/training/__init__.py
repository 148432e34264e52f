"""The functional core: states, steps, batches, compiled programs, the loop. No file, screen or clock."""
