"""Real-time services: their records, the processes that answer, the gateway before them."""
