"""Small checks of our own that `make check` runs beside the known ones."""
