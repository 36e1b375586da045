"""The backend for Huawei ModelArts, see docs/backends/modelarts.md."""
