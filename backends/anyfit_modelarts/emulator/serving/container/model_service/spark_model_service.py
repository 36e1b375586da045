"""The base of services of Spark models."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from model_service.model_service import SingleNodeService

__all__ = ["SparkServingBaseService"]


class SparkServingBaseService(SingleNodeService):
    """`model_path` is the folder `spark_model`, `spark` a session that is there where pyspark is installed."""

    spark: Any = None

    def __init__(self, model_path: str) -> None:
        super().__init__("", model_path)
        try:
            pyspark = import_module("pyspark.sql")
        except ImportError:
            print("pyspark is not installed: self.spark is None", flush=True)
            return
        self.spark = pyspark.SparkSession.builder.appName("service").getOrCreate()
