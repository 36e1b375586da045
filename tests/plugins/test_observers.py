"""Observers see jobs and may change them; a faulty one is named and never costs a job."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyfit.backend import EndpointRef, JobRef, JobState, Status
from anyfit.errors import UsageError
from anyfit.plugins import JobEvent, observers
from anyfit.spec import EndpointSpec, JobSpec

TAG = """
    from attrs import evolve
    from anyfit.plugins import hookimpl

    @hookimpl
    def anyfit_prepare_job(spec):
        return evolve(spec, tags={{**spec.tags, "{name}": str(len(spec.tags))}})
"""
RECORD = """
    from anyfit.plugins import hookimpl

    seen = []

    @hookimpl
    def anyfit_prepare_job(spec):
        seen.append(("prepare", spec.name))

    @hookimpl
    def anyfit_job_submitted(ref, spec):
        seen.append(("submitted", str(ref), spec.name))

    @hookimpl
    def anyfit_job_event(event):
        seen.append(("event", str(event.ref), event.state.status.value))

    @hookimpl
    def anyfit_job_finished(state, ref):
        seen.append(("finished", str(ref), state.status.value))

    @hookimpl
    def anyfit_endpoint_deployed(ref, spec):
        seen.append(("deployed", str(ref), spec.name))
"""
RAISE = """
    from anyfit.plugins import hookimpl

    @hookimpl{options}
    def anyfit_prepare_job(spec):
        {body}
"""
REF = JobRef("local", "here", "1")
SPEC = JobSpec(name="mnist")
DONE = JobState(status=Status.SUCCEEDED)


def test_nobody_listens() -> None:
    """Without observers nothing happens and the job stays as it is."""
    observers.cache_clear()

    assert observers().prepare_job(SPEC) is SPEC


def test_every_hook_is_called(install: Callable[..., str]) -> None:
    """An observer hears of each thing that happens, with the arguments that it asks for."""
    module = install("anyfit.plugins", "recorder", RECORD)
    told = observers()
    told.prepare_job(SPEC)
    told.job_submitted(REF, SPEC)
    told.job_event(JobEvent(REF, DONE))
    told.job_finished(REF, DONE)
    told.endpoint_deployed(EndpointRef("local", "here", "e"), EndpointSpec(name="shop", variants=()))

    import sys

    assert sys.modules[module].seen == [
        ("prepare", "mnist"),
        ("submitted", "local://here/1", "mnist"),
        ("event", "local://here/1", "SUCCEEDED"),
        ("finished", "local://here/1", "SUCCEEDED"),
        ("deployed", "local://here/e", "shop"),
    ]


def test_changes_are_chained(install: Callable[..., str]) -> None:
    """Each observer prepares what the one before has made of the job."""
    for name in ("first", "second", "third"):
        install("anyfit.plugins", name, TAG.format(name=name))

    prepared = observers().prepare_job(SPEC)

    assert sorted(prepared.tags) == ["first", "second", "third"]
    assert sorted(prepared.tags.values()) == ["0", "1", "2"]
    assert SPEC.tags == {}


@pytest.mark.parametrize("body", ["raise RuntimeError('no')", "raise SystemExit(1)", "return 'mnist'"])
def test_raising_is_skipped(install: Callable[..., str], caplog: pytest.LogCaptureFixture, body: str) -> None:
    """An observer that fails is named once and left out; the others go on."""
    install("anyfit.plugins", "bad", RAISE.format(options="(tryfirst=True)", body=body))
    install("anyfit.plugins", "good", TAG.format(name="good"))

    told = observers()
    assert told.prepare_job(SPEC).tags == {"good": "0"}
    assert told.prepare_job(SPEC).tags == {"good": "0"}

    assert len(caplog.messages) == 1
    assert "dist_bad:bad is left out from now on: anyfit_prepare_job " in caplog.text


def test_interrupt_is_the_users(install: Callable[..., str]) -> None:
    """Ctrl-C while an observer runs reaches the user."""
    install("anyfit.plugins", "slow", RAISE.format(options="", body="raise KeyboardInterrupt"))

    with pytest.raises(KeyboardInterrupt):
        observers().prepare_job(SPEC)


@pytest.mark.parametrize(
    "source",
    ["import no_such_module", "1 / 0", "raise SystemExit(1)", "def anyfit_job_finished(ref): pass", None],
)
def test_broken_is_skipped(install: Callable[..., str], caplog: pytest.LogCaptureFixture, source: str | None) -> None:
    """An observer that cannot be loaded, or has no hook, is named once and left out."""
    install("anyfit.plugins", "bad", source)
    install("anyfit.plugins", "good", TAG.format(name="good"))

    assert observers().prepare_job(SPEC).tags == {"good": "0"}
    assert observers().prepare_job(SPEC).tags == {"good": "0"}

    assert len(caplog.messages) == 1
    assert "'bad' (of the package dist_bad)" in caplog.text


def test_misspelt_hook_is_an_error(install: Callable[..., str]) -> None:
    """A hook that does not exist is an error that names the plugin, the hook and the nearest."""
    source = RAISE.format(options="", body="return None").replace("anyfit_prepare_job", "anyfit_prepare_jobs")
    install("anyfit.plugins", "typo", source)

    with pytest.raises(UsageError, match=r"'typo' \(of .*\) implements 'anyfit_prepare_jobs'") as caught:
        observers()

    assert "did you mean 'anyfit_prepare_job'?" in caught.value.hint


def test_misspelt_parameter_is_an_error(install: Callable[..., str]) -> None:
    """A parameter that the hook does not have is an error that names it."""
    install("anyfit.plugins", "typo", RAISE.format(options="", body="pass").replace("spec", "job"))

    with pytest.raises(UsageError, match=r"(?s)'typo'.*'job'"):
        observers()


def test_optional_hook_of_the_future(install: Callable[..., str]) -> None:
    """A plugin may mark a hook that only some versions of anyfit have as optional."""
    install(
        "anyfit.plugins",
        "early",
        RECORD.replace(
            "@hookimpl\n    def anyfit_job_event",
            """@hookimpl(optionalhook=True)
    def anyfit_job_exploded""",
        ),
    )

    assert observers().prepare_job(SPEC) is SPEC
