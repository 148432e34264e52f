"""Watchers of a run: screen, JSON lines, figures and results, one file per medium."""
