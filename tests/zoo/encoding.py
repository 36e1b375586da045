# expect: encoding
# says: utf-8
import pathlib
import tempfile

with tempfile.TemporaryDirectory() as folder:
    table = pathlib.Path(folder) / "labels.csv"
    table.write_bytes("标签,数值\n猫,1\n".encode("gb18030"))
    table.read_text(encoding="utf-8")
