"""What outlives the client: standard library only, so that it starts fast."""
