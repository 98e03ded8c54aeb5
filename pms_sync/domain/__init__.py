"""The shared kernel: the words of the field as values, with no I/O and no clock reads."""
