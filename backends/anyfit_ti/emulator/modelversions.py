"""Models and their versions as they are kept, and what is asked of them (reference, section 3.10)."""

from __future__ import annotations

from typing import Any

from attrs import define

from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.places import NOWHERE, Place, read_place

__all__ = ["FAILED", "RUNNING", "SUCCESS", "TYPES", "Model", "ModelVersion", "place_of", "read_config"]

SUCCESS, FAILED, RUNNING = "STATUS_SUCCESS", "STATUS_FAILED", "STATUS_RUNNING"
FRAMEWORKS = ("PYTORCH", "TENSORFLOW", "DETECTRON2", "PMML", "MMDETECTION", "ONNX")
FORMATS = (
    "PYTORCH",
    "TORCH_SCRIPT",
    "DETECTRON2",
    "SAVED_MODEL",
    "FROZEN_GRAPH",
    "PMML",
    "MMDETECTION",
    "ONNX",
    "HUGGING_FACE_BERT",
    "HUGGING_FACE_STABLE_DIFFUSION",
    "HUGGING_FACE_STABLE_DIFFUSION_LORA",
    "WEB_UI_STABLE_DIFFUSION",
)
TYPES = ("NORMAL", "ACCELERATE")


@define
class Model:
    """A name with versions."""

    id: str
    name: str
    created: float
    tags: list[dict[str, Any]]


@define
class ModelVersion:
    """One version.

    Attributes:
        name: Such as `v1`.
        config: What answers say of it unchanged, under their names for it.
        place: Where its files are, or will be.
        source: Where they are copied from; None when they stay.
        move: Whether they are taken away there.
        status: One of three words.
        error: Why it failed.
    """

    id: str
    model_id: str
    name: str
    config: dict[str, Any]
    place: dict[str, Any]
    source: dict[str, Any] | None
    move: bool
    created: float
    status: str = RUNNING
    error: str = ""

    @property
    def where(self) -> Place:
        """Where its files are."""
        return place_of(self.place)


def read_config(fields: Fields) -> dict[str, Any]:
    """What is asked for and only told again, under the answers' names."""
    image = fields.part("ReasoningImageInfo")
    hot = read_place(fields, "ModelOutputPath") or read_place(fields, "TrainingModelCosPath")
    form = fields.text("ModelFormat", one_of=FORMATS)
    clean = fields.text("AutoClean", one_of=("true", "false"))
    if clean == "true" and form != "SAVED_MODEL":
        raise fields.bad("AutoClean", "may be true for SAVED_MODEL only")
    return {
        "TrainingModelSource": fields.text("TrainingModelSource", "COS"),
        "AlgorithmFramework": fields.text("AlgorithmFramework", one_of=FRAMEWORKS),
        "ReasoningEnvironment": fields.text("ReasoningEnvironment"),
        "ReasoningEnvironmentSource": fields.text(
            "ReasoningEnvironmentSource", required=True, one_of=("SYSTEM", "CUSTOM")
        ),
        "ReasoningEnvironmentId": fields.text("ReasoningEnvironmentId"),
        "ReasoningImageInfo": image.values if image else {"ImageType": "", "ImageUrl": ""},
        "TrainingModelIndex": fields.text("TrainingModelIndex", longest=1000),
        "TrainingJobId": fields.text("TrainingJobId"),
        "TrainingJobName": fields.text("TrainingJobName"),
        "TrainingJobVersion": fields.text("TrainingJobVersion"),
        "TrainingModelFormat": form,
        "VersionType": fields.text("ModelVersionType", TYPES[0], one_of=TYPES),
        "GPUType": "",
        "AutoClean": clean or "false",
        "ModelCleanPeriod": fields.integer("ModelCleanPeriod", 1, least=1, most=1440),
        "MaxReservedModels": fields.integer("MaxReservedModels", 24, least=1, most=24),
        "ModelHotUpdatePath": hot.to_wire() if hot and form == "SAVED_MODEL" else NOWHERE,
        "TrainingPreference": fields.text("TrainingPreference"),
        "AutoMLTaskId": fields.text("AutoMLTaskId"),
        "IsQAT": fields.flag("IsQAT"),
    }


def place_of(document: dict[str, Any]) -> Place:
    """A place that was kept."""
    return Place(document["Bucket"], document["Region"], document["Paths"][0])
