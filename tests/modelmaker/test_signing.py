"""Signed predictions."""

from __future__ import annotations

import calendar

from requests import Request

from anyfit_modelmaker.places import host_of
from anyfit_modelmaker.signing import PredictionAuth, signature

MOMENT = float(calendar.timegm((2024, 1, 2, 3, 4, 5)))


def test_vector() -> None:
    """The published example comes out, with the date of its moment."""
    request = Request(
        "POST",
        "http://js01infer.wangsucloud.com:10000/ModelMaker/predict",
        data=b"[1]",
        headers={"Host": "500001.js01infer.wangsucloud.com:10000", "Content-Type": "application/json"},
        auth=PredictionAuth("ak", "sk-example-10", clock=lambda: MOMENT),
    ).prepare()

    assert request.headers["Date"] == "Tue, 02 Jan 2024 03:04:05 GMT"
    assert request.headers["Authorization"] == (
        "WS-HMAC-SHA1 AK=ak,SignedHeaders=host;content-type;date,Signature=MlOdnVMl+MBmc2Qe++S/R93wKLo="
    )


def test_signature_is_of_values_only() -> None:
    """The values in their order are signed, and nothing else."""
    values = ["500001.js01infer.wangsucloud.com:10000", "application/json", "Tue, 02 Jan 2024 03:04:05 GMT"]

    assert signature("sk-example-10", values) == "MlOdnVMl+MBmc2Qe++S/R93wKLo="
    assert signature("sk-example-10", values[::-1]) != signature("sk-example-10", values)


def test_multipart_type_is_signed_with_its_boundary() -> None:
    """What is signed is the very Content-Type that is sent."""
    kind = "multipart/form-data; boundary=xyz"
    auth = PredictionAuth("ak", "sk", clock=lambda: MOMENT)
    request = Request("POST", "http://10.0.0.1:1/p", headers={"Content-Type": kind}, auth=auth).prepare()
    made = signature("sk", ["10.0.0.1:1", kind, "Tue, 02 Jan 2024 03:04:05 GMT"])

    assert str(request.headers["Authorization"]).endswith(f"Signature={made}")


def test_host_header() -> None:
    """At the common gateway the first label names the service; an address of its own is taken as it is."""
    gateway = "http://js01infer.wangsucloud.com:10000/ModelMaker/predict"

    assert host_of(gateway, 502150) == "502150.js01infer.wangsucloud.com:10000"
    assert host_of(f"http://502150.{gateway[7:]}", 502150) == "502150.js01infer.wangsucloud.com:10000"
    assert host_of("http://127.0.0.1:8080/infer/1/ModelMaker/predict", 1) == "127.0.0.1:8080"
