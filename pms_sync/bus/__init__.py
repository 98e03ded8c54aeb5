"""Wake-ups between the loops of one daemon."""
