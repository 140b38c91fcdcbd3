#!/usr/bin/env bash
# dist.sh [FOLDER]: makes FOLDER/schemaguard-VERSION.zip (default: here), which is what PGXN wants; prints its name.
#
# All files of the checkout as they are, but ignored ones and those whose name begins with a dot, below schemaguard-VERSION/.
# META.json is checked first.

set -euo pipefail
folder=$(cd "${1:-.}" && pwd)
cd "$(dirname "$0")/../.."
for tool in git zip; do command -v "$tool" > /dev/null || { echo "dist.sh: there is no $tool" >&2; exit 1; }; done

version=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" schemaguard.control)
name=schemaguard-$version
mapfile -d '' -t files < <(git -c safe.directory='*' ls-files -z --cached --others --exclude-standard | grep -zvE '(^|/)\.' | sort -z)
present=()
for file in "${files[@]}"; do [ ! -f "$file" ] || present+=("$file"); done
[ ${#present[@]} -gt 0 ] || { echo "dist.sh: git knows no files here" >&2; exit 1; }
perl test/tools/check-meta.pl META.json "${present[@]}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$PWD" "$work/$name"
rm -f "$folder/$name.zip"
(cd "$work" && printf '%s\n' "${present[@]/#/$name/}" | LC_ALL=C.UTF-8 zip -q -X -@ "$folder/$name.zip")
echo "$folder/$name.zip"
