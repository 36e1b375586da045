# expect: out-of-memory
# says: memory of the GPU


class OutOfMemoryError(RuntimeError):
    """Stands in for the class of that name in torch, which needs a GPU to raise it."""


OutOfMemoryError.__module__ = "torch.cuda"
raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 15.77 GiB")
