"""Why it failed and what to do, one sentence per cause, in English and Chinese side by side.

Words in braces are facts that a rule found or that `diagnosis.facts` always gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from anyfit.failure.text import Text

__all__ = ["CAUSES"]

_PLATFORM: Final[Mapping[str, Text]] = {
    "timeout": Text(
        "The job ran longer than max_run = {seconds} s allows and was stopped. Allow more time, or train less.{reason}",
        "作业的运行时间超过了 max_run = {seconds} 秒的上限，已被停止。请延长时限，或减少训练量。{reason}",
    ),
    "timeout-unknown": Text(
        "The job ran longer than it was allowed to and was stopped. Raise max_run, or train less.{reason}",
        "作业的运行时间超过了上限，已被停止。请调大 max_run，或减少训练量。{reason}",
    ),
    "timeout-waiting": Text(
        "The job waited {wait} s for a machine, which is all that max_wait allows, and never started."
        " Wait longer, or choose a size that is in stock.{reason}",
        "作业等待机器已达 max_wait 的上限 {wait} 秒，始终未能启动。请延长等待时间，或换用有库存的规格。{reason}",
    ),
    "timeout-cpu": Text(
        "The script used up the processor time that the machine allows one process (SIGXCPU).",
        "脚本用完了机器允许单个进程使用的处理器时间（SIGXCPU）。",
    ),
    "oom-platform": Text(
        "The platform ended the job because it used more memory than its machine has. Use a smaller"
        " batch, fewer data-loading workers, or a machine with more memory.{reason}",
        "作业使用的内存超过了机器的容量，被平台终止。请减小批大小、减少数据加载进程，或换用内存更大的规格。{reason}",
    ),
    "lost": Text(
        "The process that watched over the job is gone, so how the script ended is not known."
        " The script itself need not be at fault.{reason}",
        "看护该作业的进程已不存在，因此无法得知脚本是如何结束的；这不一定是脚本自身的问题。{reason}",
    ),
    "reboot": Text(
        "The machine restarted while the job was running. The script is not to blame; start it again,"
        " with a checkpoint_path to go on from where it was.{reason}",
        "作业运行期间机器重启了，与脚本无关。请重新启动作业；设置 checkpoint_path 可以从中断处继续。{reason}",
    ),
    "input": Text(
        "What the job needs could not be brought to it, so the script did not run. See that the place exists and that"
        " the keys for it are configured; anyfit ls shows what is there.{reason}",
        "作业所需的数据未能取到，脚本没有运行。请确认该位置存在，并且已配置访问它的密钥；可以用 anyfit ls"
        " 查看那里的内容。{reason}",
    ),
    "output": Text(
        "The script ended, but what it left could not be collected into output_path. See that the"
        " place exists, is writable and has room.{reason}",
        "脚本已结束，但无法把它的产出收集到 output_path。请确认该位置存在、可写并且有足够空间。{reason}",
    ),
    "start": Text(
        "The platform could not start the job, so the script did not run.{reason}",
        "平台未能启动作业，脚本没有运行。{reason}",
    ),
    "launcher": Text(
        "anyfit could not start the script in the job: {message}",
        "anyfit 未能在作业中启动脚本：{message}",
    ),
}

_SIGNALS: Final[Mapping[str, Text]] = {
    "oom-killed": Text(
        "The process was killed with SIGKILL, and no time limit or stop request explains that. On"
        " Linux this is almost always the kernel's out-of-memory killer; the system cannot tell for"
        " certain. Use a smaller batch, fewer data-loading workers, or a machine with more"
        " memory.{reason}",
        "进程被 SIGKILL 信号终止，且并非超时或主动停止。在 Linux 上这几乎总是内核的内存不足（OOM）机"
        "制所为，但系统无法给出确证。请减小批大小、减少数据加载进程，或换用内存更大的规格。{reason}",
    ),
    "oom-native": Text(
        "Native code could not get memory ({message}) and ended the process. Use a smaller batch, or"
        " a machine with more memory.",
        "本地代码申请内存失败（{message}），进程因此终止。请减小批大小，或换用内存更大的规格。",
    ),
    "oom-shm": Text(
        "Shared memory (/dev/shm) ran out, which data-loading workers use to pass batches. Use fewer"
        " workers (num_workers=0 for a test), or give the container more shared memory.",
        "共享内存（/dev/shm）不足，数据加载进程靠它传递批数据。请减少 num_workers（可先设为 0 测试），"
        "或为容器分配更多共享内存。",
    ),
    "segfault": Text(
        "Native code (a compiled extension, not Python itself) touched memory that is not its own"
        " ({signal}). Usual reasons are packages built for other versions of one another. Set"
        " PYTHONFAULTHANDLER=1 in the job's environment to see in the log which Python line led"
        " there.",
        "本地代码（编译的扩展模块，而非 Python 本身）访问了非法内存（{signal}），常见原因是软件包之间"
        "版本不匹配。在作业的环境变量中设置 PYTHONFAULTHANDLER=1，日志中就会显示是哪一行 Python 代码"
        "触发的。",
    ),
    "illegal-instruction": Text(
        "A compiled package uses processor instructions that this machine lacks (SIGILL). Install a"
        " build of it for this processor, or choose another machine.",
        "某个编译好的软件包使用了这台机器的处理器不支持的指令（SIGILL）。请安装适合该处理器的版本，或换用其他机器。",
    ),
    "aborted": Text(
        "The process ended itself ({signal}): native code found something it could not go on with."
        " What it said last is in the log.",
        "进程自行中止（{signal}）：本地代码遇到了无法继续的情况，日志末尾有它最后的说明。",
    ),
    "interrupted": Text(
        "The script was interrupted (SIGINT), as by Ctrl-C.",
        "脚本被中断（SIGINT），相当于按下 Ctrl-C。",
    ),
    "killed": Text(
        "Something outside the script ended it with {signal}: a person, a scheduler, or another"
        " process of the job. Neither a time limit nor a stop request explains it.{reason}",
        "脚本被外部用 {signal} 信号终止，可能是人为操作、调度系统或作业中的其他进程；既非超时，也非停止请求"
        "所致。{reason}",
    ),
    "killed-not-oom": Text(
        "The process was killed with SIGKILL. Neither a time limit nor a stop request explains that, and the kernel's"
        " out-of-memory killer did not do it. What is left: a person (kill -9), another process of the job, or a guard"
        " that acts before the kernel does, such as systemd-oomd or earlyoom, whose own log tells.{reason}",
        "进程被 SIGKILL 信号终止，既非超时或主动停止，也不是内核的内存不足（OOM）机制所为。剩下的可能是：有人执行了"
        " kill -9、作业中的其他进程，或先于内核动作的守护程序（如 systemd-oomd、earlyoom，请查看它们的日志）。{reason}",
    ),
    "worker-died": Text(
        "A worker process ended abruptly and left no traceback. Most often it ran out of memory, else"
        " it crashed in native code. Use fewer or smaller workers.",
        "某个工作进程突然退出，没有留下错误堆栈。最常见的原因是内存不足，其次是本地代码崩溃。请减少工"
        "作进程的数量或内存用量。",
    ),
    "worker-oom": Text(
        "A worker process was killed with SIGKILL, almost always by the kernel's out-of-memory"
        " killer. Use fewer or smaller workers, or a machine with more memory.",
        "某个工作进程被 SIGKILL 终止，几乎总是内核的内存不足（OOM）机制所为。请减少工作进程，或换用内存更大的规格。",
    ),
    "worker-segfault": Text(
        "A worker process crashed in native code (SIGSEGV). Usual reasons are packages built for"
        " other versions of one another, or libraries that must not be used after a fork.",
        "某个工作进程在本地代码中崩溃（SIGSEGV）。常见原因是软件包版本不匹配，或在 fork 之后使用了不支持 fork 的库。",
    ),
}

_CODE: Final[Mapping[str, Text]] = {
    "module-missing": Text(
        "The Python module '{module}' is not installed where the job ran. Add '{package}' to"
        " requirements.txt beside the entry point, or pip install it there. If it is a file of your"
        " own, put it into source_dir or dependencies.",
        "作业的运行环境中没有安装 Python 模块“{module}”。请把“{package}”加入入口脚本旁的"
        " requirements.txt，或在运行环境中用 pip install 安装；如果它是您自己的文件，请放入"
        " source_dir 或 dependencies。",
    ),
    "module-shadowed": Text(
        "'{parent}' is a single module where the job ran, so '{module}' cannot be in it. Most often a"
        " file of your own named '{parent}.py' hides the package of that name; rename the file.",
        "在作业的运行环境中“{parent}”是单个模块，不可能包含“{module}”。通常是您自己的文件“"
        "{parent}.py”遮住了同名的软件包，请重命名该文件。",
    ),
    "import-circular": Text(
        "'{module}' was imported while it was still being imported itself (a circular import). Move"
        " one of the imports into the function that needs it.",
        "“{module}”尚未导入完成时又被导入（循环导入）。请把其中一个 import 移到需要它的函数内部。",
    ),
    "import-name": Text(
        "The installed '{module}' has no '{name}': its version differs from the one the script was"
        " written for, or a file of your own hides it. Pin the version in requirements.txt.",
        "已安装的“{module}”中没有“{name}”：其版本与脚本所需的不同，或被您自己的同名文件遮住。请在"
        " requirements.txt 中固定版本。",
    ),
    "library-missing": Text(
        "The system library '{library}' is missing where the job ran; pip cannot install it. Choose"
        " an image that has it, or a build of the package that brings it along.",
        "作业的运行环境中缺少系统库“{library}”，pip 无法安装它。请选用带有该库的镜像，或自带该库的软件包版本。",
    ),
    "library-mismatch": Text(
        "A compiled package does not fit the libraries of this image: {message} Pin a version of it"
        " that was built for this image.",
        "某个编译好的软件包与镜像中的库不匹配：{message} 请固定一个适合该镜像的版本。",
    ),
    "import-other": Text("An import failed: {message}", "导入失败：{message}"),
    "syntax": Text(
        "Python cannot read {file}, line {line}: {message}. Correct it; if it runs on your machine,"
        " the job's Python is an older version (see py_version).",
        "Python 无法解析 {file} 第 {line} 行：{message}。请改正；如果在您的机器上可以运行，说明作业使"
        "用的 Python 版本较旧（见 py_version）。",
    ),
    "source-encoding": Text(
        "{file} is not saved as UTF-8, which Python expects. Save it as UTF-8 (editors on Chinese"
        " Windows often save GBK).",
        "{file} 不是以 Python 要求的 UTF-8 编码保存的。请另存为 UTF-8（中文 Windows 上的编辑器常默认保存为 GBK）。",
    ),
    "decode": Text(
        "What {file}, line {line} reads is not {codec} text. Open the file with the encoding it was"
        " written in, such as encoding='utf-8' or 'gb18030'; binary files need mode 'rb'.",
        "{file} 第 {line} 行读取的内容不是 {codec} 编码的文本。请用文件实际的编码打开，例如 encoding='utf-8' 或"
        " 'gb18030'；二进制文件要用 'rb' 模式。",
    ),
    "encode": Text(
        "Some characters cannot be written as {codec}. Set PYTHONUTF8=1 in the job's environment, or"
        " open the file with encoding='utf-8'.",
        "有些字符无法用 {codec} 编码写出。请在作业的环境变量中设置 PYTHONUTF8=1，或用 encoding='utf-8' 打开文件。",
    ),
    "entry-point": Text(
        "The script {path} is not among the job's files. entry_point is relative to source_dir; see"
        " that it is spelt right and not ignored by .anyfitignore or .gitignore.",
        "作业的文件中没有脚本 {path}。entry_point 是相对于 source_dir 的路径；请检查拼写，并确认它没"
        "有被 .anyfitignore 或 .gitignore 排除。",
    ),
    "program": Text(
        "The program '{program}' does not exist where the job ran. Choose an image that has it, or"
        " call it by its full path.",
        "作业的运行环境中没有程序“{program}”。请选用带有该程序的镜像，或使用它的完整路径。",
    ),
    "requirements": Text(
        "pip could not install the requirements: {message}",
        "pip 无法安装依赖：{message}",
    ),
    "assertion": Text(
        "The script's own check failed at {file}, line {line}: {source}",
        "脚本自身的检查未通过，位于 {file} 第 {line} 行：{source}",
    ),
    "recursion": Text(
        "A function calls itself without end near {file}, line {line}.",
        "{file} 第 {line} 行附近的函数无止境地调用自身。",
    ),
    "exception": Text(
        "The script raised {exception} at {file}, line {line}.",
        "脚本在 {file} 第 {line} 行抛出异常：{exception}。",
    ),
    "exception-nowhere": Text("The script raised {exception}.", "脚本抛出异常：{exception}。"),
    "gpu-assert": Text(
        "A check inside a GPU kernel failed. Most often an index is out of range, such as a class"
        " label not below the number of classes. The line shown may be too late: set"
        " CUDA_LAUNCH_BLOCKING=1 or run on the CPU to see it.",
        "GPU 内核中的检查未通过，最常见的是索引越界，例如类别标签不小于类别总数。显示的行可能偏后，请"
        "设置 CUDA_LAUNCH_BLOCKING=1 或在 CPU 上运行以定位。",
    ),
    "open-files": Text(
        "The script has more files open than one process may. Close files after use, or use fewer workers.",
        "脚本打开的文件数超过了单个进程的上限。请及时关闭文件，或减少工作进程。",
    ),
}

_ARGUMENTS: Final[Mapping[str, Text]] = {
    "argument-unknown": Text(
        "The script does not know the argument {arguments}. anyfit passes every hyperparameter as"
        " --name value; passed were: {passed}. Declare it in the script's parser, or remove it from"
        " the hyperparameters.",
        "脚本不认识参数 {arguments}。anyfit 会把每个超参数以 --名称 值 的形式传入；本次传入的有："
        "{passed}。请在脚本的参数解析器中声明它，或从超参数中删除。",
    ),
    "argument-required": Text(
        "The script requires the argument {arguments}, which is not among the hyperparameters passed: {passed}.",
        "脚本要求提供参数 {arguments}，但它不在传入的超参数中：{passed}。",
    ),
    "argument-value": Text(
        "The script does not accept the value given for {arguments}: {message}. Hyperparameters passed: {passed}.",
        "脚本不接受参数 {arguments} 的值：{message}。传入的超参数：{passed}。",
    ),
    "argument-other": Text(
        "The script rejected its command line: {message}. Hyperparameters passed: {passed}.",
        "脚本拒绝了命令行参数：{message}。传入的超参数：{passed}。",
    ),
    "variable-channel": Text(
        "The script reads {variable}, but the job has no input channel '{channel}'. Its channels: {channels}.",
        "脚本读取 {variable}，但作业没有名为“{channel}”的输入通道。现有通道：{channels}。",
    ),
    "variable-hyperparameter": Text(
        "The script reads the hyperparameter '{name}', which was not passed. Hyperparameters passed: {passed}.",
        "脚本读取超参数“{name}”，但没有传入。传入的超参数：{passed}。",
    ),
    "variable-other": Text(
        "The script reads the environment variable {variable}, which is not set in the job. Set it"
        " under environment, or give it a default in the script.",
        "脚本读取环境变量 {variable}，但作业中没有设置。请在 environment 中设置它，或在脚本中给出默认值。",
    ),
}

_DATA: Final[Mapping[str, Text]] = {
    "path-in-channel": Text(
        "'{path}' is not in the input channel '{channel}', which holds what lies at {uri}. Compare"
        " the names there with the one the script opens.",
        "输入通道“{channel}”中没有“{path}”；该通道的内容来自 {uri}。请核对那里的文件名与脚本打开的是否一致。",
    ),
    "path-no-channel": Text(
        "'{path}' belongs to an input channel '{channel}', which the job does not have. Its channels: {channels}.",
        "“{path}”属于输入通道“{channel}”，但作业没有这个通道。现有通道：{channels}。",
    ),
    "path-uri": Text(
        "'{path}' is the address of an object store, which cannot be opened like a file. Pass it as"
        " an input channel and open what lies in the channel's directory (ANYFIT_CHANNEL_<NAME>).",
        "“{path}”是对象存储的地址，不能当作本地文件打开。请把它作为输入通道传入，再从通道目录（"
        "ANYFIT_CHANNEL_<名称>）中读取。",
    ),
    "path-own-machine": Text(
        "'{path}' is a place on somebody's own machine; the job does not have it. Pass the data as an"
        " input channel and open what lies in the channel's directory (ANYFIT_CHANNEL_<NAME>)."
        " Channels of the job: {channels}.",
        "“{path}”是个人机器上的路径，作业中并不存在。请把数据作为输入通道传入，再从通道目录（"
        "ANYFIT_CHANNEL_<名称>）中读取。作业的通道：{channels}。",
    ),
    "path-relative": Text(
        "'{path}' does not exist; it is not under any input channel, but relative to where the script"
        " runs (the root of the code). Join it to a channel's directory, or add the file to"
        " source_dir. Channels of the job: {channels}.",
        "“{path}”不存在；它不在任何输入通道下，而是相对于脚本的运行目录（代码根目录）。请与通道目录"
        "拼接，或把文件加入 source_dir。作业的通道：{channels}。",
    ),
    "path-absolute": Text(
        "'{path}' does not exist where the job ran, and lies under none of its input channels: {channels}.",
        "作业的运行环境中不存在“{path}”，它也不在任何输入通道下：{channels}。",
    ),
    "data-empty": Text(
        "The script found no data where it looked: {message}. Channels of the job: {channels}.",
        "脚本没有找到任何数据：{message}。作业的通道：{channels}。",
    ),
    "permission-path": Text(
        "The script may not use '{path}' so. Write only below the output, model and checkpoint"
        " directories; a program from the code bundle may need its executable bit.",
        "脚本没有权限这样使用“{path}”。请只写入输出、模型和检查点目录；代码包中的程序可能需要可执行权限。",
    ),
    "permission-other": Text(
        "The system refused the script something: {message}",
        "系统拒绝了脚本的操作：{message}",
    ),
    "read-only": Text(
        "'{path}' lies on a read-only file system, as inputs do. Write to the output directory instead.",
        "“{path}”位于只读文件系统（输入数据即是如此）。请改为写入输出目录。",
    ),
    "disk-full": Text(
        "No room is left on the job's disk{path}. Keep fewer checkpoints, or ask for more with volume_size.",
        "作业的磁盘空间已用完{path}。请减少保留的检查点，或用 volume_size 申请更大的磁盘。",
    ),
    "quota": Text(
        "The disk quota is used up{path}. Remove what is no longer needed, or have the quota raised.",
        "磁盘配额已用完{path}。请删除不再需要的文件，或申请提高配额。",
    ),
    "file-too-large": Text(
        "A file grew larger than the machine allows{path}. Write it in several parts.",
        "文件大小超过了机器允许的上限{path}。请分成多个文件写入。",
    ),
}

_NETWORK: Final[Mapping[str, Text]] = {
    "name-unresolved": Text(
        "A host name could not be resolved: {message}. Jobs on many platforms have no internet; bring"
        " the data as an input channel and models as files.",
        "无法解析主机名：{message}。许多平台上的作业不能访问互联网，请把数据作为输入通道、把模型作为文件传入。",
    ),
    "connection": Text(
        "A network connection failed: {message}. See that the other side runs and that the job may"
        " reach it; jobs on many platforms have no internet.",
        "网络连接失败：{message}。请确认对方正在运行且作业可以访问它；许多平台上的作业不能访问互联网。",
    ),
    "http": Text(
        "A web server refused a request of the script: {message}",
        "Web 服务器拒绝了脚本的请求：{message}",
    ),
    "port-in-use": Text(
        "The script wants a network port that another process holds. Let the system choose (port 0), or another port.",
        "脚本要使用的网络端口已被其他进程占用。请让系统自动选择（端口 0），或换一个端口。",
    ),
    "nodes": Text(
        "The nodes of the job lost one another: {message}. Most often one of them failed first; look at its log.",
        "作业的各节点之间失去了联系：{message}。通常是其中一个节点先出了错，请查看它的日志。",
    ),
}

_MACHINE: Final[Mapping[str, Text]] = {
    "gpu-none": Text(
        "The script wants a GPU, and the job has none that it can use (instance_type: {instance_type}"
        "). Choose a machine with a GPU, or let the script fall back to the CPU.",
        "脚本需要 GPU，但作业没有可用的 GPU（instance_type：{instance_type}）。请选择带 GPU 的规格，"
        "或让脚本退回到 CPU。",
    ),
    "gpu-build": Text(
        "The installed framework cannot use this machine's GPU: {message}. Install a build for its driver and model.",
        "已安装的框架无法使用这台机器的 GPU：{message}。请安装适合其驱动和型号的版本。",
    ),
    "gpu-driver": Text(
        "The GPU driver is missing or too old where the job ran (instance_type: {instance_type})."
        " Choose a machine with a GPU, or a framework build for its driver.",
        "作业的运行环境中缺少 GPU 驱动或驱动过旧（instance_type：{instance_type}）。请选择带 GPU 的规"
        "格，或适合该驱动的框架版本。",
    ),
    "oom-gpu": Text(
        "The memory of the GPU ran out. Use a smaller batch, gradient accumulation, mixed precision,"
        " or a GPU with more memory (instance_type: {instance_type}).",
        "GPU 显存不足。请减小批大小、使用梯度累积或混合精度，或换用显存更大的 GPU（instance_type：{instance_type}）。",
    ),
    "oom-python": Text(
        "The script asked for more memory than it could get{size}. Load the data in parts, use a"
        " smaller batch, or a machine with more memory (instance_type: {instance_type}).",
        "脚本申请的内存超过了可用的量{size}。请分批加载数据、减小批大小，或换用内存更大的规格（"
        "instance_type：{instance_type}）。",
    ),
}

_CODES: Final[Mapping[str, Text]] = {
    "exit-code": Text(
        "The script ended by itself with code {code} and left no traceback; in most scripts that is a"
        " sys.exit({code}).{last}{reason}",
        "脚本以退出码 {code} 自行结束，没有留下错误堆栈；多数情况下是脚本调用了 sys.exit({code})。{last}{reason}",
    ),
    "exit-zero": Text(
        "The script ended with code 0, yet the platform counts the job as failed.{last}{reason}",
        "脚本以退出码 0 结束，但平台仍把作业记为失败。{last}{reason}",
    ),
    "unknown": Text(
        "Neither the platform nor the log says why.{last}{reason}",
        "平台和日志都没有说明原因。{last}{reason}",
    ),
}

CAUSES: Final[Mapping[str, Text]] = {
    **_PLATFORM,
    **_SIGNALS,
    **_CODE,
    **_ARGUMENTS,
    **_DATA,
    **_NETWORK,
    **_MACHINE,
    **_CODES,
}
