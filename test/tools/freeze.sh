#!/usr/bin/env bash
# freeze.sh NEXT      the version that the control file names is done, and NEXT is what is worked on from now on
# freeze.sh --again   the version before was never released: what is frozen under its name are the objects as they are now
#
# The install script, and the update to it from the version before, go to sql/frozen/, where they stay as they are; the install
# script of the version before goes, for an update is from one version to the next. NEXT gets an empty file in sql/upgrade/
# for what is done by hand, and is written wherever the version is: .ci/check-repo says where.

set -euo pipefail
cd "$(dirname "$0")/../.."
next=${1:?freeze.sh: to which version}
current=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" schemaguard.control)
by_hand=$(echo sql/upgrade/schemaguard--*--"$current".sql)
before=$(basename "$by_hand" "--$current.sql")
before=${before#schemaguard--}

begin_by_hand() {
  printf '%s\n' "-- What is done by hand to the objects of $1, such as ALTER TABLE ... ADD COLUMN beside the column's line in sql/parts/." \
    '-- sql/upgrade.awk puts the rest behind it: functions, views, new tables, comments. test/t/082_upgrade.pl compares.' \
    > "sql/upgrade/schemaguard--$1--$2.sql"
}

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
# shellcheck disable=SC2046  # a list
awk -f sql/join.awk $(make -s print-SQL_PARTS) > "$made/now.sql"
mkdir -p sql/frozen

if [ "$next" = --again ]; then
  [ -e "$by_hand" ] || { echo "freeze.sh: nothing is frozen" >&2; exit 1; }
  mv "$made/now.sql" "sql/frozen/schemaguard--$before.sql"
  begin_by_hand "$before" "$current"
else
  [[ $next =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "freeze.sh: no version: $next" >&2; exit 2; }
  if [ -e "$by_hand" ]; then
    awk -f sql/upgrade.awk "sql/frozen/schemaguard--$before.sql" "$made/now.sql" "$by_hand" sql/upgrade/ask.sql > "$made/update.sql"
    rm "$by_hand" "sql/frozen/schemaguard--$before.sql"
    mv "$made/update.sql" "sql/frozen/schemaguard--$before--$current.sql"
  fi
  mv "$made/now.sql" "sql/frozen/schemaguard--$current.sql"
  begin_by_hand "$current" "$next"
  pattern=${current//./\\.}
  sed -i "s/^default_version = '$pattern'/default_version = '$next'/" schemaguard.control
  sed -i "s/\"version\": \"$pattern\"/\"version\": \"$next\"/" META.json
  sed -i "1s/($pattern-[0-9]*)/($next-1)/" debian/changelog
  sed -i "s/Version $pattern:/Version $next:/" README.md
  sed -i "s/^## $pattern (unreleased)/## $next (unreleased)\n\n## $current/" CHANGELOG.md
fi
(cd sql/frozen && sha256sum ./*.sql | sed 's,\./,,' > SHA256SUMS)
echo 'now: git add sql/frozen sql/upgrade'
