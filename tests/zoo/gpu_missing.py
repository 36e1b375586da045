# expect: gpu-missing
# says: wants a GPU
raise RuntimeError("No CUDA GPUs are available")
