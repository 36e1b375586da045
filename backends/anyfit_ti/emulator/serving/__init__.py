"""Online services of both generations: what they run, the processes that answer, the gateway before them."""
