"""Running what a cloud would run in containers: processes of this machine, their log and what they use of it."""

from __future__ import annotations

from anyfit_emulator.running.courses import Course, Courses
from anyfit_emulator.running.environment import clean_environment
from anyfit_emulator.running.linelog import Line, LineLog
from anyfit_emulator.running.run import Command, NotStarted, Outcome, Run
from anyfit_emulator.running.usage import Sample, read_usage

__all__ = [
    "Command",
    "Course",
    "Courses",
    "Line",
    "LineLog",
    "NotStarted",
    "Outcome",
    "Run",
    "Sample",
    "clean_environment",
    "read_usage",
]
