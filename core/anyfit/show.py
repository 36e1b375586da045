"""How values look to people: sizes, spans of time, jobs and endpoints in one line or in a notebook."""

from __future__ import annotations

TYPE_CHECKING = False  # no import of typing here: `anyfit jobs` has no time for it
if TYPE_CHECKING:
    from anyfit.backend import EndpointRef, EndpointState, JobRef, JobState, Plan, Upload
    from anyfit.spec import JobSpec

__all__ = [
    "endpoint_html",
    "harmless",
    "job_html",
    "job_line",
    "one_line",
    "plan_lines",
    "seconds_text",
    "size_text",
    "uri_text",
]

_COLOURS = {"SUCCEEDED": "#1a7f37", "READY": "#1a7f37", "FAILED": "#cf222e", "STOPPED": "#9a6700"}
_BREAKS = {ord("\n"): "\\n", ord("\r"): "\\r"}
_OBEYED = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ORDERS = {code: f"\\u{code:04x}" for code in _OBEYED if chr(code) not in "\t\n"}


def size_text(size: float) -> str:
    """1.4 MB and the like."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")


def seconds_text(seconds: float) -> str:
    """0.42 s, 12 s, 3 min 20 s, 2 h 05 min."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def uri_text(uri: str) -> str:
    """A URI in one line, or a path where it is one of this machine."""
    from anyfit.storage import Uri

    parsed = Uri.parse(uri)
    return one_line(str(parsed.path) if parsed.is_local else uri)


def one_line(text: str) -> str:
    """A name that breaks no line: whoever names a file or an object may use any character."""
    return text.translate(_BREAKS)


def harmless(text: str) -> str:
    """Text that a terminal shows and does not obey: what controls it, or turns the direction, is escaped as in JSON."""
    return text.translate(_ORDERS)


def job_line(ref: JobRef, state: JobState | None) -> str:
    """A job in one line."""
    if state is None:
        return str(ref)
    native = f" ({state.native})" if state.native and state.native != state.status.value else ""
    reason = f": {state.reason}" if state.reason else ""
    return f"{ref} {state.status.value}{native}{reason}"


def plan_lines(plan: Plan) -> list[str]:
    """A plan for people: what would run where, what would be sent, and what becomes of each field."""
    from anyfit.catalog import describe_offering
    from anyfit.codec import dumps

    nodes = f"{plan.spec.instance_count} x " if plan.spec.instance_count > 1 else ""
    lines = [
        f"job      {plan.spec.key}",
        f"backend  {plan.backend} ({plan.region})",
        f"machine  {nodes}{describe_offering(plan.offering)}",
    ]
    if plan.cost_per_hour is not None:
        lines.append(f"cost     {plan.cost_per_hour:.2f} {plan.currency} per hour")
    for upload in plan.uploads:
        lines.append(f"upload   {upload.kind}{_how_much(upload)} to {upload.target}")
    for note in plan.notes:
        lines.append(f"note     {note.field}: {note.text} [{note.match.value}]")
    for request in plan.requests:
        lines += [f"request  {request.action}", *(f"  {line}" for line in dumps(request.body, indent=2).splitlines())]
    return lines


def _how_much(upload: Upload) -> str:
    if upload.size is None:
        return ""
    there = ""
    if upload.there:
        there = f", {'all' if upload.there == upload.size else size_text(upload.there)} there already"
    return f" ({size_text(upload.size)}{there})"


def job_html(ref: JobRef, state: JobState, spec: JobSpec) -> str:
    """A job as a small table for notebooks."""
    rows = [("job", spec.key), ("reference", str(ref)), ("native state", state.native)]
    if state.started_at and state.ended_at:
        rows.append(("ran for", seconds_text((state.ended_at - state.started_at).total_seconds())))
    rows += [("reason", state.reason), ("entry point", spec.entry_point or " ".join(spec.command))]
    rows += [(f"hyperparameter {name}", repr(value)) for name, value in sorted(spec.hyperparameters.items())]
    return _table(state.status.value, rows)


def endpoint_html(ref: EndpointRef, state: EndpointState) -> str:
    """An endpoint as a small table for notebooks."""
    rows = [("endpoint", str(ref)), ("address", state.url), ("reason", state.reason)]
    for variant in state.spec.variants if state.spec else ():
        rows.append(("serves", f"{variant.model}, weight {variant.weight:g}"))
    return _table(state.status.value, rows)


def _table(status: str, rows: list[tuple[str, str]]) -> str:
    from html import escape

    colour = _COLOURS.get(status, "#57606a")
    body = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows if text)
    return f'<table><caption style="color:{colour}"><b>{escape(status)}</b></caption>{body}</table>'
