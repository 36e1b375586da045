"""Every command in one line, and every exit code: what can be said without importing a command.

A new command is a line here and a file `cmd_<name>.py` with `add_arguments(parser)` and `run(args)`.
"""

from __future__ import annotations

__all__ = ["COMMANDS", "EXIT_CODES", "GROUPS", "exit_code_lines"]

GROUPS: dict[str, dict[str, str]] = {
    "Train": {
        "init": "write a job file and scripts to begin with",
        "plan": "show what fit would do and send, without doing it",
        "fit": "run a job and follow it to its end",
        "attach": "follow a job that was started before",
        "rerun": "run a job again, with changes",
        "stop": "end jobs",
        "edit": "change a job's description",
    },
    "Look": {
        "jobs": "list jobs, newest first",
        "status": "show how a job is",
        "logs": "print a job's log, or follow it",
        "metrics": "show the metrics that a job printed",
        "utilization": "show what a job used of its machine",
    },
    "Collect": {
        "download": "bring here what a job left",
        "rm": "remove jobs and what belongs to them, or objects of a store",
    },
    "Store": {
        "ls": "list what lies in a store",
        "cp": "copy files and objects, in any direction",
        "sync": "make a directory have what another has",
        "cat": "print objects",
        "du": "add up the sizes of objects",
        "presign": "print a URL that lets anybody read or write an object",
    },
    "Serve": {
        "register": "make a model version of a job's result",
        "models": "list or delete model versions",
        "deploy": "serve a job's model",
        "predict": "ask an endpoint",
        "endpoints": "list endpoints, or look after one",
    },
    "Set up": {
        "backends": "list where jobs can run",
        "specs": "list the machines that a backend offers",
        "config": "show the configuration and where it comes from",
        "emulate": "run clouds on this machine, to try and to test",
        "doctor": "check this installation",
        "completion": "print the completion script of a shell",
        "version": "print the version",
    },
}

COMMANDS: dict[str, str] = {name: text for group in GROUPS.values() for name, text in group.items()}

EXIT_CODES: dict[int, str] = {
    0: "done",
    2: "usage or configuration",
    3: "authentication",
    4: "service, network or disk",
    100: "the job failed",
    101: "not finished; the job goes on",
    102: "not found",
    103: "the job was stopped",
    130: "interrupted",
    141: "whoever read the output has closed it",
}


def exit_code_lines() -> list[str]:
    """The exit codes as lines of help."""
    return [f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items()]
