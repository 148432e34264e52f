"""A run on disk: its folder, record, checkpoints, weights and history. Imports training and the rooms below it."""
