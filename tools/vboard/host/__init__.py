"""The host's side of the virtual board: the supervisor, the flash chip, what is put on it."""
