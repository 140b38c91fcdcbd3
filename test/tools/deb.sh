#!/usr/bin/env bash
# deb.sh [FOLDER]: builds the Debian package from what `make dist` makes, tests it as it is installed, and leaves the package in FOLDER
# (default: nowhere).
#
# Built by dpkg-buildpackage, in a private folder. Then the package is installed in a copy-on-write view of this machine
# (over.sh), and its tests (debian/tests) are run there, by autopkgtest where that is here. Exits with 3, loudly,
# where Debian's tools are missing or this is not root.

set -euo pipefail
folder=${1:+$(cd "$1" && pwd)}
cd "$(dirname "$0")/../.."
skip() { printf '\n!!! %s: the Debian package is NOT TESTED\n\n' "$*"; exit 3; }

for tool in dpkg-buildpackage dh pg_buildext zip unzip unshare; do
  command -v "$tool" > /dev/null || skip "there is no $tool (apt-get install build-essential debhelper postgresql-server-dev-all zip unzip)"
done
[ "$(id -u)" = 0 ] || skip 'this is not root'

work=$(mktemp -d /tmp/sg-deb.XXXXXX)
trap 'rm -rf "$work"' EXIT
unzip -q "$(bash test/tools/dist.sh "$work")" -d "$work"
source=$(echo "$work"/schemaguard-*/)
(cd "$source" && MAKEFLAGS= dpkg-buildpackage -b -us -uc > "$work/log" 2>&1) || { tail -n 60 "$work/log"; exit 1; }
echo "built: $(cd "$work" && echo ./*.deb)"
[ -z "$folder" ] || cp "$work"/*.deb "$folder/"

bash test/tools/over.sh / "$work" bash -ec "
  cd /mnt/$(basename "$source")
  dpkg -i /mnt/postgresql-*-schemaguard_*.deb > /dev/null
  if command -v autopkgtest > /dev/null; then autopkgtest --no-built-binaries . -- null
  else echo 'no autopkgtest here: debian/tests/installcheck by itself'; debian/tests/installcheck; fi"
