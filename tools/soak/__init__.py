"""`make soak`: the whole firmware on a virtual board, through faults that a seed chooses."""
