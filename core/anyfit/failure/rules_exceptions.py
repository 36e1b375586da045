"""What one exception of the script means, by its class and message."""

from __future__ import annotations

from typing import Final

from anyfit.failure import details
from anyfit.failure.evidence import all_of, any_of, message, raised
from anyfit.failure.kinds import FailureKind as Kind
from anyfit.failure.rules import Rule, either

__all__ = ["EXCEPTIONS"]

_MODULE = r"[\w.\-]+"
_PATH = r"(?:: b?'(?P<path>.*?)')?"
_NOT_FOUND = "FileNotFoundError|NotADirectoryError|NotFoundError|OSError|IOError"

_IMPORTS = (
    Rule(
        Kind.GPU_MISSING,
        "gpu-driver",
        message(r"libcuda\.so|libascend_hal\.so|driver version is insufficient"),
        "specs",
    ),
    Rule(
        Kind.IMPORT_ERROR,
        "library-missing",
        message(r"(?P<library>[\w.+-]+): cannot open shared object file"),
    ),
    Rule(
        Kind.IMPORT_ERROR,
        "module-shadowed",
        raised(
            "ModuleNotFoundError|ImportError",
            rf"No module named '(?P<module>{_MODULE})'; '(?P<parent>{_MODULE})' is not a package",
        ),
    ),
    Rule(
        Kind.IMPORT_ERROR,
        "module-missing",
        raised("ModuleNotFoundError|ImportError", rf"No module named '?(?P<module>{_MODULE})"),
        "require",
        details.package,
    ),
    Rule(
        Kind.IMPORT_ERROR,
        "import-circular",
        raised("ImportError|AttributeError", rf"partially initialized module '(?P<module>{_MODULE})'"),
    ),
    Rule(
        Kind.IMPORT_ERROR,
        "import-name",
        raised("ImportError", rf"cannot import name '(?P<name>\w+)' from '(?P<module>{_MODULE})'"),
    ),
    Rule(
        Kind.IMPORT_ERROR,
        "library-mismatch",
        any_of(
            raised("ImportError|OSError", r"undefined symbol|version `\S+' not found|wrong ELF class"),
            message(r"numpy\.(?:dtype|ufunc) size changed|compiled using NumPy 1\.x"),
        ),
    ),
    Rule(Kind.IMPORT_ERROR, "import-other", raised("ImportError|ModuleNotFoundError")),
)

_SOURCE = (
    Rule(
        Kind.ENCODING,
        "source-encoding",
        raised("SyntaxError", r"Non-UTF-8 code|^\(unicode error\) 'utf-8' codec|^encoding problem"),
        "compile",
        details.innermost,
    ),
    Rule(
        Kind.SYNTAX_ERROR,
        "syntax",
        raised("SyntaxError|IndentationError|TabError"),
        "compile",
        details.innermost,
    ),
)

_MEMORY = (
    Rule(
        Kind.OUT_OF_MEMORY,
        "oom-gpu",
        any_of(
            message(
                either(
                    (
                        r"(?:CUDA|NPU|HIP|MPS|XPU)[\w ]*(?:error:)? ?out of memory",
                        "CUDA_ERROR_OUT_OF_MEMORY",
                        "CUBLAS_STATUS_ALLOC_FAILED",
                        "cudaErrorMemoryAllocation",
                        "OOM when allocating tensor",
                    )
                )
            ),
            raised(r".*\bcuda\.OutOfMemoryError"),
        ),
        "specs",
    ),
    Rule(
        Kind.OUT_OF_MEMORY,
        "oom-shm",
        message(r"killed by signal: Bus error|insufficient shared memory|unable to open shared memory object"),
        "specs",
    ),
    Rule(Kind.OUT_OF_MEMORY, "worker-oom", message(r"killed by signal: Killed|SIGKILL\(-9\)"), "specs"),
    Rule(
        Kind.SEGFAULT,
        "worker-segfault",
        message(r"killed by signal: Segmentation fault|SIGSEGV\(-11\)"),
        "see-fault",
    ),
    Rule(
        Kind.KILLED,
        "worker-died",
        any_of(
            raised("BrokenProcessPool|TerminatedWorkerError"),
            message(r"DataLoader worker \(pid.*\) exited unexpectedly"),
        ),
        "specs",
    ),
    Rule(
        Kind.OUT_OF_MEMORY,
        "oom-python",
        any_of(
            raised("MemoryError|_ArrayMemoryError", r"(?:Unable to allocate (?P<size>[\d.]+ \w+))?"),
            message(r"DefaultCPUAllocator: .*memory.*you tried to allocate (?P<size>\d+ bytes)"),
            message(r"DefaultCPUAllocator: .*memory|\[Errno 12\]|Cannot allocate memory"),
            raised("OutOfMemoryError|ResourceExhaustedError"),
        ),
        "specs",
        details.of_size,
    ),
)

_GPU = (
    Rule(
        Kind.GPU_MISSING,
        "gpu-none",
        message(
            either(
                (
                    "Found no NVIDIA driver",
                    "No CUDA GPUs are available",
                    "not compiled with CUDA enabled",
                    r"torch\.cuda\.is_available\(\) is False",
                    "no CUDA-capable device",
                    "invalid device ordinal",
                    "Invalid device id",
                    "CUDA is not available",
                    "CUDA_ERROR_NO_DEVICE",
                    "No NPU device",
                )
            )
        ),
        "specs",
    ),
    Rule(
        Kind.GPU_MISSING,
        "gpu-build",
        message(r"no kernel image is available|not compatible with the current PyTorch"),
        "specs",
    ),
    Rule(Kind.EXCEPTION, "gpu-assert", message(r"device-side assert triggered")),
)

_DISK = (
    Rule(
        Kind.DISK_FULL,
        "disk-full",
        any_of(
            message(rf"\[Errno 28\][^:]*{_PATH}"),
            message(r"No space left on device|disk is full|PytorchStreamWriter failed writing|basic_ios::clear"),
        ),
        "bigger-disk",
        details.at_path,
    ),
    Rule(
        Kind.DISK_FULL,
        "quota",
        message(rf"(?:\[Errno 122\]|Disk quota exceeded)[^:]*{_PATH}"),
        "plan",
        details.at_path,
    ),
    Rule(
        Kind.DISK_FULL,
        "file-too-large",
        message(rf"\[Errno 27\][^:]*{_PATH}"),
        detail=details.at_path,
    ),
    Rule(Kind.EXCEPTION, "open-files", message(r"\[Errno 24\]|Too many open files")),
)

_GIVEN = (
    Rule(
        Kind.MISSING_VARIABLE,
        "variable-other",
        any_of(
            raised("KeyError", r"^'(?P<variable>(?:SM|TM|MA|VC|ANYFIT)_\w+)'$"),
            raised("KeyError", r"^'(?P<variable>\w+)'$", at=r"^(?:<frozen os>|.*[/\\]os\.py): |\benviron\["),
        ),
        "set-variable",
        details.variable,
    ),
    Rule(
        Kind.MISSING_VARIABLE,
        "variable-hyperparameter",
        raised("KeyError", r"^'(?P<name>[\w-]+)'$", at=r"\b(?:hyper_?param\w*|hps?|hparams)\b[\w.()]*\["),
        "set-hyperparameter",
    ),
    Rule(
        Kind.BAD_ARGUMENT,
        "argument-unknown",
        any_of(
            message(r"arguments are not used by the HfArgumentParser: (?P<arguments>.*)"),
            message(r"Unknown command line flag '(?P<arguments>[^']+)'"),
        ),
        "plan",
    ),
)

# The errors of sockets are OSErrors too, so this comes before files.
_NETWORK = (
    Rule(Kind.NETWORK, "port-in-use", message(r"\[Errno 98\]|Address already in use|EADDRINUSE")),
    Rule(
        Kind.NETWORK,
        "name-unresolved",
        any_of(
            raised("gaierror"),
            message(r"Name or service not known|name resolution|getaddrinfo failed|NameResolutionError"),
        ),
    ),
    Rule(
        Kind.NETWORK,
        "nodes",
        any_of(
            raised("DistNetworkError|DistStoreError|DistBackendError"),
            raised(
                "RuntimeError|TimeoutError",
                either(
                    (
                        r"\bNCCL\b",
                        r"\bHCCL\b",
                        r"\b[Gg]loo\b",
                        "[Cc]onnection closed by peer",
                        "Socket Timeout",
                        r"wait timeout after \d+ms",
                        "client socket has (?:failed|timed out)",
                    )
                ),
            ),
        ),
    ),
    Rule(
        Kind.NETWORK,
        "http",
        raised("HTTPError|HfHubHTTPError|HTTPStatusError|RepositoryNotFoundError|LocalEntryNotFoundError"),
    ),
    Rule(
        Kind.NETWORK,
        "connection",
        any_of(
            raised("ConnectionRefusedError|ConnectionResetError|ConnectionAbortedError|ConnectionError"),
            raised("URLError|RemoteDisconnected|ProxyError|MaxRetryError|NewConnectionError|SSL\\w*Error"),
            raised(r"(?:Connect|Read|Proxy|Connection)?Timeout|TimeoutError|Connect\w*Error"),
            raised(r"EndpointConnectionError|ClientConnector\w*Error"),
            raised("OSError", r"\[Errno (?:101|104|110|111|113)\]|[Cc]ouldn't connect to"),
        ),
    ),
)

_FILES = (
    Rule(Kind.ENCODING, "encode", raised("UnicodeEncodeError", r"'(?P<codec>[\w-]+)' codec"), "utf8"),
    Rule(Kind.ENCODING, "decode", raised("UnicodeDecodeError", r"'(?P<codec>[\w-]+)' codec")),
    Rule(Kind.PERMISSION, "read-only", message(r"\[Errno 30\][^:]*: b?'(?P<path>.*?)'"), "plan"),
    Rule(
        Kind.PERMISSION,
        "permission-path",
        raised("PermissionError|OSError", r"\[Errno (?:13|1)\][^:]*: b?'(?P<path>.*?)'"),
        "plan",
    ),
    Rule(
        Kind.PERMISSION,
        "permission-other",
        any_of(raised("PermissionError"), message(r"Permission denied|Read-only file system")),
        "plan",
    ),
    Rule(
        Kind.PROGRAM_MISSING,
        "program",
        all_of(raised("FileNotFoundError", r"\[Errno 2\][^:]*: b?'(?P<program>.*?)'"), details.in_subprocess),
    ),
    Rule(
        Kind.MISSING_DATA,
        "path-absolute",
        any_of(
            raised(_NOT_FOUND, r"(?:\[Errno (?:2|20)\]|File) [^:']*:? ?b?'(?P<path>.*?)'"),
            raised(_NOT_FOUND, r"[Uu]nable to (?:synchronously )?open file.*name = '(?P<path>.*?)'"),
            raised(_NOT_FOUND, r"^(?P<path>[^\s;:]+)(?:;|:) No such file or directory"),
            raised(f"{_NOT_FOUND}|ValueError", r"^(?P<path>\S+[./]\S+) (?:was )?not found\b"),
            raised(f"{_NOT_FOUND}|ValueError", r"(?P<path>/\S+) does not exist"),
        ),
        "plan",
        details.path,
    ),
    Rule(
        Kind.MISSING_DATA,
        "data-empty",
        any_of(
            raised("FileNotFoundError|NotADirectoryError|EmptyDataError"),
            raised("EmptyDatasetError|DataFilesNotFoundError|DatasetNotFoundError"),
            message(r"num_samples should be a positive integer|Found 0 (?:files|images|samples)"),
            message(r"Dataset not found|Found array with 0 sample|n_samples=0\b"),
        ),
        "plan",
    ),
)

_OWN = (
    Rule(Kind.KILLED, "interrupted", raised("KeyboardInterrupt"), "again"),
    Rule(Kind.ASSERTION, "assertion", raised("AssertionError")),
    Rule(Kind.EXCEPTION, "recursion", raised("RecursionError")),
    Rule(Kind.SEGFAULT, "segfault", raised("Fatal Python error", r"Segmentation fault|Bus error"), "see-fault"),
)

EXCEPTIONS: Final = (
    *_SOURCE,
    *_IMPORTS,
    *_MEMORY,
    *_GPU,
    *_DISK,
    *_GIVEN,
    *_NETWORK,
    *_FILES,
    *_OWN,
)
