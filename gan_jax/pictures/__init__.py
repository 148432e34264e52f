"""What people look at: grids, curves, tables, image files. Arrays in, files out; imports nothing but files."""
