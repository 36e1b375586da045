"""The promises of a backend, as tests; `anyfit.testing.BackendContract` holds them all."""
