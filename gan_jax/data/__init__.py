"""Real images: by name, from files, and their pixels. Imports the configuration and errors alone."""
