"""The words of a report that are the same whatever happened: its parts, and the names of kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from anyfit.failure.kinds import FailureKind
from anyfit.failure.text import Text

__all__ = ["KINDS", "LABELS"]

LABELS: Final[Mapping[str, Text]] = {
    "headline": Text("Job {job} failed: {summary}", "作业 {job} 失败：{summary}"),
    "traceback": Text("Traceback of the script", "脚本的错误堆栈"),
    "above": Text("[the traceback above]", "[见上文的错误堆栈]"),
    "tail": Text("Last lines of the log ({count})", "日志的最后 {count} 行"),
    "no-log": Text("The log is empty.", "日志为空。"),
    "exit-code": Text("Exit code", "退出码"),
    "signal": Text("Signal", "信号"),
    "log": Text("Full log", "完整日志"),
    "cause": Text("Likely cause", "可能的原因"),
    "next": Text("Next", "下一步"),
    "none": Text("none", "无"),
    "and-code": Text("{kind} (exit code {code})", "{kind}（退出码 {code}）"),
    "and-signal": Text("{kind} ({signal})", "{kind}（{signal}）"),
    "reason": Text(" The platform says: {text}", "平台的说明：{text}"),
    "last": Text(" The last line of the log is: {text}", "日志的最后一行是：{text}"),
}

KINDS: Final[Mapping[FailureKind, Text]] = {
    FailureKind.IMPORT_ERROR: Text("import error", "导入错误"),
    FailureKind.SYNTAX_ERROR: Text("syntax error", "语法错误"),
    FailureKind.REQUIREMENTS: Text("requirements could not be installed", "依赖安装失败"),
    FailureKind.ENTRY_POINT_MISSING: Text("entry point not found", "找不到入口脚本"),
    FailureKind.PROGRAM_MISSING: Text("program not found", "找不到程序"),
    FailureKind.BAD_ARGUMENT: Text("argument not understood", "参数无法识别"),
    FailureKind.MISSING_VARIABLE: Text("variable not set", "变量未设置"),
    FailureKind.MISSING_DATA: Text("data not found", "找不到数据"),
    FailureKind.ENCODING: Text("wrong text encoding", "文本编码错误"),
    FailureKind.PERMISSION: Text("permission denied", "权限不足"),
    FailureKind.DISK_FULL: Text("disk full", "磁盘已满"),
    FailureKind.NETWORK: Text("network failure", "网络故障"),
    FailureKind.GPU_MISSING: Text("no usable GPU", "没有可用的 GPU"),
    FailureKind.OUT_OF_MEMORY: Text("out of memory", "内存不足"),
    FailureKind.TIMEOUT: Text("timeout", "运行超时"),
    FailureKind.SEGFAULT: Text("segmentation fault", "段错误"),
    FailureKind.ABORTED: Text("aborted", "进程异常中止"),
    FailureKind.KILLED: Text("killed", "被终止"),
    FailureKind.ASSERTION: Text("assertion failed", "断言失败"),
    FailureKind.EXCEPTION: Text("uncaught exception", "未捕获的异常"),
    FailureKind.EXIT_CODE: Text("non-zero exit code", "退出码非零"),
    FailureKind.START: Text("could not start", "无法启动"),
    FailureKind.INPUT: Text("input could not be fetched", "无法获取输入数据"),
    FailureKind.OUTPUT: Text("output could not be collected", "无法收集输出"),
    FailureKind.LOST: Text("lost", "失去联系"),
    FailureKind.REBOOT: Text("machine restarted", "机器重启"),
    FailureKind.UNKNOWN: Text("unknown reason", "原因不明"),
}
