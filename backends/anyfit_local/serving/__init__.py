"""The server of an endpoint: the standard library and uvicorn, nothing of anyfit but `anyfit_inference.py`."""
