"""What the networks minimize: functions of logits, critics, images and weights. Imports nothing else of the package."""
