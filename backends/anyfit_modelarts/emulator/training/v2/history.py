"""What happened to a job, as stages and as events (reference, section 3.8)."""

from __future__ import annotations

from typing import Any

from anyfit_modelarts.emulator.calls import Query
from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.training import life as stages
from anyfit_modelarts.emulator.training.v2.values import Job
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["events", "running_records"]

_WORDS = {
    "scheduling": ("Scheduling resources", "资源调度中"),
    "preparing": ("Preparing code and data", "准备代码和数据"),
    "running": ("Running the training program", "训练运行中"),
    "end": ("The training job has ended", "训练作业结束"),
}
_ENDS = {
    stages.COMPLETED: ("Info", "Training job completed.", "训练作业运行成功。"),
    stages.FAILED: ("Error", "Training job failed", "训练作业运行失败"),
    stages.STOPPED: ("Warning", "Training job terminated.", "训练作业已终止。"),
    stages.LOST: ("Error", "Training job is abnormal", "训练作业异常"),
}


def running_records(job: Job) -> dict[str, Any]:
    """The one run that every job has, stage by stage."""
    life = job.life
    begins = {"scheduling": life.created, "preparing": life.prepared, "running": life.started, "end": life.ended}
    reached = [(name, begin) for name, begin in begins.items() if begin]
    found = []
    for index, (name, begin) in enumerate(reached):
        end = reached[index + 1][1] if index + 1 < len(reached) else (begin if name == "end" else 0)
        english, chinese = _WORDS[name]
        found.append(
            {
                "job_id": job.id,
                "name": name,
                "en_message": english,
                "zh_message": chinese,
                "start_time": str(milliseconds(begin)),
                "end_time": str(milliseconds(end)) if end else "",
                "stage_order": list(_WORDS).index(name) + 1,
                "sub_stages": [],
            }
        )
    return {"total_count": 1, "running_records": [{"record_order": 1, "stages": found}]}


def events(job: Job, query: Query, language: str) -> dict[str, Any]:
    """A page of what happened."""
    limit, offset = query.whole("limit", 50, 1, 100), query.whole("offset", 0, 0)
    order, level = query.text("order", "desc"), query.text("level")
    if order not in ("asc", "desc") or level not in ("", "Info", "Error", "Warning"):
        raise ApiError("ModelArts.2764", "order must be asc or desc, level one of Info, Error, Warning.")
    begin, end = query.whole("start_time", 0, 0), query.whole("end_time", 1 << 60, 0)
    rows: list[dict[str, Any]] = [
        {"message": message, "level": kind, "time": moment, "source": "training-job"}
        for moment, kind, message in _happened(job, chinese=language == "zh-cn")
        if begin <= moment <= end and level in ("", kind) and query.text("pattern") in message
    ]
    rows.sort(key=lambda row: row["time"], reverse=order == "desc")
    bounds = {"start_time": query.text("start_time"), "end_time": query.text("end_time")}
    page = rows[offset * limit : (offset + 1) * limit]
    return {"total": len(rows), "limit": limit, "offset": offset, "order": order, **bounds, "events": page}


def _happened(job: Job, *, chinese: bool) -> list[tuple[int, str, str]]:
    life = job.life
    steps = [
        (life.created, "Training job created.", "训练作业创建成功。"),
        (life.queued, "Training job is queuing.", "训练作业排队中。"),
        (life.prepared, "Preparing code and data.", "准备代码和数据。"),
        (life.started, "Training job is running.", "训练作业开始运行。"),
    ]
    found = [(milliseconds(moment), "Info", texts[chinese]) for moment, *texts in steps if moment]
    if life.ended:
        level, *texts = _ENDS[life.stage]
        found.append((milliseconds(life.ended), level, texts[chinese] + (f": {life.message}" if life.message else "")))
    return found
