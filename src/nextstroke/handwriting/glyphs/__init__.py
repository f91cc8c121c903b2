"""Characters that the network does not write itself: composed ones and drawn symbols."""
