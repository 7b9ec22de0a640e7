#!/bin/sh
# Makes or repairs the virtual environment.   usage: tools/setup.sh run|dev
#
# run: what `make run` needs; dev: that and the test and lint tools. Interrupted at any point, the next run starts
# clean: the environment carries a mark only while it is whole.
set -eu
level=$1
venv=${VENV:-.venv}
lock=requirements/$level.txt

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

if [ -n "${PYTHON:-}" ]; then
  version=$(version_of "$PYTHON") || { echo "rmbg: PYTHON=$PYTHON does not run." >&2; exit 2; }
  new_enough "$PYTHON" || { echo "rmbg: Python 3.11 or newer is needed; $PYTHON is $version." >&2; exit 2; }
  python=$PYTHON
else
  python=
  for candidate in python3.13 python3.12 python3.11 python3.14 python3; do
    if new_enough "$candidate"; then python=$candidate; break; fi
  done
  if [ -z "$python" ]; then
    found=$(version_of python3) || found="not there"
    echo "rmbg: Python 3.11 or newer is needed; python3 is $found. Name another one: make PYTHON=/path/to/python3.12 run" >&2
    exit 2
  fi
  version=$(version_of "$python")
fi

whole=no
if [ -f "$venv/.whole" ] && "$venv/bin/python" -c 'import pip' 2>/dev/null; then
  whole=yes
  if [ -n "${PYTHON:-}" ] && [ "$(version_of "$venv/bin/python")" != "$version" ]; then whole=no; fi
fi

# What `pip install -e` would do, without building anything: our packages, and the operator's tool as a command.
install_ourselves() {
  site_packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  printf '%s\n' "$(pwd)" "$(pwd)/layers/core" > "$site_packages/rmbg.pth"
  printf '#!/bin/sh\n# of %s\nexec "$(dirname "$0")/python" -m tools.rmbgctl "$@"\n' "$(pwd)" > "$venv/bin/rmbgctl"
  chmod +x "$venv/bin/rmbgctl"
}

# `cksum` is POSIX; the stamp only asks "the same lock as last time?".
want=$(cksum < "$lock")
if [ $whole = yes ] && [ "$(cat "$venv/.installed-$level" 2>/dev/null)" = "$want" ]; then
  grep -qsxF "# of $(pwd)" "$venv/bin/rmbgctl" || install_ourselves
  exit 0
fi

if [ $whole = no ]; then
  if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "rmbg: $python has no venv module. On Debian or Ubuntu: sudo apt-get install python$version-venv" >&2
    exit 2
  fi
  [ -d "$venv" ] && echo "rmbg: $venv is incomplete or for another Python; making it anew" >&2
  rm -rf "$venv"
  echo "rmbg: creating $venv with Python $version" >&2
  "$python" -m venv "$venv"
fi
rm -f "$venv/.whole"
echo "rmbg: installing the locked requirements ($lock; some 100 MB the first time)" >&2
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input --only-binary=:all: --require-hashes -r "$lock" || {
  echo "rmbg: the packages could not be installed; check the network and run the same command again" >&2
  exit 1
}
echo "$want" > "$venv/.installed-$level"
# dev.txt is a superset of run.txt at the same versions: `make run` after `make test` has nothing left to install.
[ "$level" = dev ] && cksum < requirements/run.txt > "$venv/.installed-run"
install_ourselves
touch "$venv/.whole"
