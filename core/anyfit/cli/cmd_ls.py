"""anyfit ls s3://                         the buckets
anyfit ls s3://bucket/data/             what is in the directory
anyfit ls -r s3://bucket/data/          all below it
anyfit ls 's3://bucket/data/*.csv'      what fits; * goes through directories

--json prints one object per line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyfit.cli.output import local_time, print_line, print_record
from anyfit.cli.parser import add_backend
from anyfit.cli.storing import add_filters, add_human, open_stores, selected

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.storage.browse import Listed
    from anyfit.stores import Stores


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit ls` takes."""
    parser.add_argument("uris", metavar="URI", nargs="+", help="an object, a directory, or s3:// for all buckets")
    parser.add_argument("-r", "--recursive", action="store_true", help="all below")
    add_human(parser)
    add_filters(parser)
    add_backend(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per line on stdout")


def run(args: Namespace) -> int:
    """List what lies somewhere, as it is found. Of several places each is listed that can be."""
    from anyfit.cli.several import each

    with open_stores(args) as stores:
        listed, faults = each(args.uris, lambda text: _list(args, text, stores))
    if args.json and listed:
        for record in faults.to_json():
            print_record(record)
        return faults.exit_code()
    faults.tell()
    return 0


def _list(args: Namespace, text: str, stores: Stores) -> None:
    from anyfit.storage.selection import chosen
    from anyfit.storage.uri import scheme_alone

    if scheme := scheme_alone(text):
        _buckets(args, scheme, stores)
        return
    line = _json if args.json else _human if args.human else _plain
    for name, listed in chosen(selected(args, text), recursive=args.recursive, open=stores):
        print_line(line(name, listed))


def _buckets(args: Namespace, scheme: str, stores: Stores) -> None:
    from anyfit.errors import UsageError
    from anyfit.storage.browse import list_buckets
    from anyfit.storage.filters import Filters

    if args.recursive:
        raise UsageError(f"{scheme}:// stands for all buckets", hint="list one of them with -r")
    takes = Filters(args.filters)
    for bucket in list_buckets(scheme, open=stores):
        if not takes(bucket.name):
            continue
        if args.json:
            import json

            uri = f"{scheme}://{bucket.name}/"
            record = {"name": bucket.name, "uri": uri, "type": "bucket", "created": bucket.created.isoformat()}
            print_line(json.dumps(record, ensure_ascii=False))
        else:
            print_line(f"{local_time(bucket.created):<19}  {'BUCKET':>12}  {bucket.name}")


def _plain(name: str, listed: Listed) -> str:
    return _line(name, listed, str(listed.entry.size) if listed.entry else "DIR")


def _human(name: str, listed: Listed) -> str:
    from anyfit.show import size_text

    return _line(name, listed, size_text(listed.entry.size) if listed.entry else "DIR")


def _line(name: str, listed: Listed, size: str) -> str:
    return f"{local_time(listed.entry.modified) if listed.entry else '':<19}  {size:>12}  {name or './'}"


def _json(name: str, listed: Listed) -> str:
    import json

    record: dict[str, Any] = {"name": name, "uri": str(listed.uri), "type": "directory"}
    if listed.entry:
        entry = listed.entry
        record |= {"type": "object", "size": entry.size, "modified": entry.modified.isoformat(), "etag": entry.etag}
    return json.dumps(record, ensure_ascii=False)
