"""Those who are told of a run while it trains: screen, JSON lines, pictures, results. One file per medium."""
