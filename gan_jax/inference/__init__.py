"""What a trained generator is for: sampling, interpolation, export. Imports training and the rooms below it."""
