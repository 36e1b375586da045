"""Tencent TI: training jobs and tasks, models and services."""
