"""What the platform offers to train on and with (reference, sections 2.2, 2.3, 2.13, 3.9)."""

from __future__ import annotations

from attrs import frozen

__all__ = ["ALGORITHMS", "ENGINES", "FLAVORS", "PRESETS", "BuiltIn", "Engine", "Flavor", "Preset"]


@frozen
class Flavor:
    """A kind of machine, which both generations offer under the same code.

    Attributes:
        code: `spec_code` of v1, `flavor_id` of v2.
        spec_id: The number that v1 knows it by.
        most: Nodes of one job.
        kind: `CPU`, `GPU` or `Ascend`.
        card: What its cards are.
        sold_out: Whether jobs are refused for want of machines.
    """

    code: str
    spec_id: int
    cores: int
    memory: int
    most: int
    kind: str = "CPU"
    cards: int = 0
    card: str = ""
    card_memory: str = ""
    disk: int = 0
    arch: str = "x86"
    sold_out: bool = False


@frozen
class Engine:
    """A framework of the first generation."""

    id: int
    type: int
    name: str
    version: str


@frozen
class Preset:
    """A framework of the second generation.

    Attributes:
        old_version: The version of engines whose version is not their id.
        v1_compatible: Whether its jobs find the world of the first generation.
    """

    id: str
    name: str
    old_version: str = ""
    v1_compatible: bool = False

    @property
    def version(self) -> str:
        """Its version; of late the same as the id."""
        return self.old_version or self.id

    @property
    def run_user(self) -> str:
        """The number of the user in its containers."""
        return "" if self.v1_compatible else "1102"


@frozen
class BuiltIn:
    """An algorithm that the platform brings along."""

    id: int
    name: str
    usage: int
    precision: str
    size: int
    dataset: str
    format: str
    engine: int


FLAVORS = (
    Flavor("modelarts.vm.cpu.2u", 7, 2, 8, 1),
    Flavor("modelarts.vm.cpu.8u", 27, 8, 32, 16),
    Flavor("modelarts.vm.gpu.p100", 3, 8, 64, 4, "GPU", 1, "p100", "16GB", 800),
    Flavor("modelarts.vm.gpu.v100", 4, 8, 64, 4, "GPU", 1, "v100", "32GB", 3200),
    Flavor("modelarts.p3.large.public.free", 34, 8, 64, 1, "GPU", 1, "v100", "32GB", sold_out=True),
    Flavor("modelarts.kat1.xlarge", 42, 24, 96, 8, "Ascend", 1, "ascend-d910a", "32GB", 3200, "arm"),
)
ENGINES = (
    Engine(1, 1, "TensorFlow", "TF-1.4.0-python2.7"),
    Engine(3, 1, "TensorFlow", "TF-1.8.0-python2.7"),
    Engine(4, 1, "TensorFlow", "TF-1.8.0-python3.6"),
    Engine(501, 2, "MXNet", "MXNet-1.2.1-python2.7"),
    Engine(61, 4, "Caffe", "Caffe-1.0.0-python2.7"),
    Engine(100, 9, "XGBoost-Sklearn", "XGBoost-0.80-Sklearn-0.18.1-python3.6"),
    Engine(121, 10, "PyTorch", "PyTorch-1.0.0-python3.6"),
    Engine(130, 13, "Ascend-Powered-Engine", "TF-1.15-python3.7-aarch64"),
)
PRESETS = (
    Preset("pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64", "PyTorch"),
    Preset("tensorflow_2.1.0-cuda_10.1-py_3.7-ubuntu_18.04-x86_64", "TensorFlow"),
    Preset("horovod_0.20.0-tensorflow_2.1.0-cuda_10.1-py_3.7-ubuntu_18.04-x86_64", "Horovod"),
    Preset("mindspore_1.7.0-cuda_10.1-py_3.7-ubuntu_18.04-x86_64", "MindSpore"),
    Preset("mindspore_1.7.0-cann_5.1.0-py_3.7-euler_2.8.3-aarch64", "Ascend-Powered-Engine"),
    Preset("xgboost-sklearn-python3.6", "XGBoost-Sklearn", "XGBoost-0.80-Sklearn-0.18.1-python3.6", True),
    Preset("caffe-1.0.0-python2.7", "Caffe", "Caffe-1.0.0-python2.7", True),
    Preset("horovod-cp36-tf-1.16.2", "Horovod", "0.16.2-TF-1.13.1-python3.6", True),
)
ALGORITHMS = (
    BuiltIn(1, "ResNet_v1_50", 1, "75.55%(top1)", 102503801, "ImageNet", "shape: [H>=224, W>=224, C>=1]", 4),
    BuiltIn(2, "Faster_RCNN_ResNet_v1_50", 2, "73.6%(mAP)", 188843612, "PASCAL VOC2007", "shape: [H, W, C==3]", 4),
)
