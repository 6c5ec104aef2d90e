#!/usr/bin/env bash
# A project keeps helpers for its tests in tests/support.py. The folder `tests` has no __init__.py,
# as in many projects, so Python imports it as a namespace package. A good engineer guesses that
# installing the library of a payment service cannot change what `import tests.support` finds: the
# project's folder is first on the path.
#
# What really happens: the wheel of paddle-python-sdk 1.16.1 installs a top-level package `tests`,
# with an __init__.py. A regular package anywhere on the path comes before a namespace package, even
# before one in the first folder, so `tests` is Paddle's, and `tests.support` does not exist.
#
# Why a webhook receiver cares: the library is what one installs to verify Paddle's webhooks. After
# it, programs that import the project's own helpers fail, such as benchmarks and scripts, while
# pytest in the same folder may go on. With an __init__.py in `tests`, the project's package counts.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
mkdir -p "$work/project/tests"
echo 'ANSWER = "the helper of the project"' >"$work/project/tests/support.py"
cd "$work/project"

import_helper() {
  "$work/venv/bin/python" -c 'from tests.support import ANSWER; print(ANSWER)' 2>&1 | tail -n 1
}

echo "before:                  $(import_helper)"
[[ $(import_helper) == "the helper of the project" ]]

"$work/venv/bin/pip" install -qq --no-compile --no-deps --disable-pip-version-check \
  paddle-python-sdk==1.16.1
after=$(import_helper || true)
echo "with paddle-python-sdk:  $after"

touch tests/__init__.py
echo "and with an __init__.py: $(import_helper)"
[[ $(import_helper) == "the helper of the project" ]]
[[ $after == *"No module named 'tests.support'"* ]] || { echo "The behaviour has changed."; exit 1; }
