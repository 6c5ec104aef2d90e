#!/usr/bin/env bash
# A library may register fixtures for pytest, by an entry point that names one module. A good
# engineer guesses that pytest then imports this module, and rewrites the `assert` statements in it
# at most, so that a small plugin module costs next to nothing.
#
# What really happens: pytest marks every module of the distribution for rewriting, so the whole
# library runs as other bytecode under pytest than in production, and the bytecode that pip has
# compiled is not used. pytest keeps its own beside it, but with PYTHONDONTWRITEBYTECODE=1, as many
# container images set it, each run parses and compiles the library again. For anyio, whose plugin
# is one module of many:
#   python -c 'import anyio...'    2 modules compiled, which anyio's lazy imports parse by themselves
#   pytest, first and second run   all 34 imported modules of anyio compiled
#
# Why a webhook receiver cares: a receiver that ships fixtures for its users slows every run of
# their tests, also of those that never use a fixture. And an `assert` in code that handles a
# delivery says other things in CI than in production: the rewritten one quotes the values that it
# compared, such as a signature and the expected one, into a log that many can read.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
# pip compiles what it installs.
"$work/venv/bin/pip" install -qq --disable-pip-version-check pytest==9.2.0 anyio==4.16.0

cat >"$work/count_compiled.py" <<'PY'
import sys

compiled = set()


def watch(event, args):
    if event == "compile" and "/site-packages/anyio/" in str(args[1]):
        compiled.add(str(args[1]))


sys.addaudithook(watch)
PY
cat >"$work/test_nothing.py" <<'PY'
import sys

import count_compiled


def test_nothing():
    import anyio.from_thread, anyio.streams.buffered, anyio.to_process

    loaders = {type(sys.modules[name].__loader__).__name__ for name in sys.modules if name[:5] == "anyio"}
    print("RESULT", len(count_compiled.compiled), *sorted(loaders))
PY
cat >"$work/plain.py" <<'PY'
import count_compiled
from test_nothing import test_nothing

test_nothing()
PY

cd "$work"
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$work
changed=0
show() { # name, output, the pattern that is expected
  local result
  result=$(grep -o "RESULT.*" <<<"$2")
  printf '%-22s modules of anyio compiled: %s\n' "$1" "${result#RESULT }"
  [[ ${result#RESULT } =~ $3 ]] || changed=1
}
show "python" "$(venv/bin/python plain.py)" '^2 SourceFileLoader$'
for run in first second; do
  output=$(venv/bin/python -c 'import count_compiled, pytest; pytest.main(["-sq", "-p", "no:cacheprovider"])')
  show "pytest, $run run" "$output" '^[1-9][0-9]+ AssertionRewritingHook$'
done
if [[ $changed = 1 ]]; then
  echo "The behaviour has changed." >&2
  exit 1
fi
