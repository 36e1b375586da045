#!/bin/bash
# What the base images start custom programs with: it brings the code, then runs the rest of its arguments.
work=$(cd "$(dirname "$0")" && pwd)
export WORK_CODE="$work/user-job-dir"
mkdir -p "$WORK_CODE"
code=$DLS_APP_URL
case $1 in
s3://* | obs://*) # the form of Ascend images: code, boot file, log file, arguments
    code=$1 boot=$2
    shift 3
    set -- python "$WORK_CODE/$boot" "$@"
    ;;
esac
if [ -n "$code" ]; then
    python -c '
import os, sys
import moxing
url = sys.argv[1].rstrip("/")
moxing.file.copy_parallel(url, os.path.join(os.environ["WORK_CODE"], url.rpartition("/")[2]))
' "$code" || exit 1
fi
cd "$work" || exit 1
exec "$@"
