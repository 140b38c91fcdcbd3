#!/usr/bin/env bash
# dist.sh [FOLDER]: makes FOLDER/schemaguard-VERSION.zip (default: here), which is what PGXN wants; prints its name.
#
# All files of the checkout as they are, but ignored ones and those whose name begins with a dot, below schemaguard-VERSION/; where
# git knows nothing of it, as in what such a zip unpacks to, all but what is built. META.json is checked first.

set -euo pipefail
folder=$(cd "${1:-.}" && pwd)
cd "$(dirname "$0")/../.."
command -v zip > /dev/null || { echo 'dist.sh: there is no zip' >&2; exit 1; }

version=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" schemaguard.control)
name=schemaguard-$version
list() {
  git -c safe.directory='*' ls-files -z --cached --others --exclude-standard 2> /dev/null \
    || find . -type f ! -name '*.o' ! -name '*.so' ! -name '*.bc' ! -path './sql/schemaguard--*' ! -path './exports.*' -printf '%P\0'
}
mapfile -d '' -t files < <(list | grep -zvE '(^|/)\.' | sort -z)
present=()
for file in "${files[@]}"; do [ ! -f "$file" ] || present+=("$file"); done
perl test/tools/check-meta.pl META.json "${present[@]}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$PWD" "$work/$name"
rm -f "$folder/$name.zip"
(cd "$work" && printf '%s\n' "${present[@]/#/$name/}" | LC_ALL=C.UTF-8 zip -q -X -@ "$folder/$name.zip")
echo "$folder/$name.zip"
