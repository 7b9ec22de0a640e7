#!/bin/sh
# Makes or repairs .cache/venvs/NAME from requirements/NAME.txt.   usage: tools/side_venv.sh NAME
#
# For tools whose requirements contradict ours or each other, or that most people never need. The stamp is written last:
# what was interrupted, or made by another Python or for an older lock, is made anew.
set -eu
name=$1
python=${VENV:-.venv}/bin/python
venv=.cache/venvs/$name
lock=requirements/$name.txt

case $name in
  sam) size=350 ;;
  checkov) size=300 ;;
  calibrate) size=450 ;;
  *) size=120 ;;
esac

[ -x "$python" ] || sh tools/setup.sh run
want="$(cksum < "$lock") $("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')"
if [ "$(cat "$venv/.installed" 2>/dev/null)" = "$want" ] && "$venv/bin/python" -c 'import pip' 2>/dev/null; then exit 0; fi

echo "rmbg: installing the locked requirements ($lock) into $venv (some $size MB on disk, once)" >&2
rm -rf "$venv"
"$python" -m venv "$venv"
# --no-deps: the lock is complete, and older versions of pip want a hash of their own for each extra.
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input --no-deps --only-binary=:all: --require-hashes -r "$lock" || {
  echo "rmbg: the packages could not be installed; check the network and run the same command again" >&2
  exit 1
}
echo "$want" > "$venv/.installed"
