#!/usr/bin/env bash
# freeze.sh NEXT: the version that the control file names is done, and NEXT is what is worked on from now on.
#
# Its install script, and the update to it from the version before, go to sql/frozen/, where they stay as they are; the install
# script of the version before goes, for an update is from one version to the next. NEXT gets an empty file in sql/upgrade/
# for what is done by hand, and is written wherever the version is: .ci/check-repo says where.

set -euo pipefail
cd "$(dirname "$0")/../.."
next=${1:?freeze.sh: to which version}
[[ $next =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "freeze.sh: no version: $next" >&2; exit 2; }
done=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" schemaguard.control)
by_hand=$(echo sql/upgrade/schemaguard--*--"$done".sql)

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
# shellcheck disable=SC2046  # a list
awk -f sql/join.awk $(make -s print-SQL_PARTS) > "$made/schemaguard--$done.sql"
if [ -e "$by_hand" ]; then
  before=$(basename "$by_hand" "--$done.sql")
  awk -f sql/upgrade.awk "sql/frozen/$before.sql" "$made/schemaguard--$done.sql" "$by_hand" sql/upgrade/ask.sql > "$made/$before--$done.sql"
  rm "$by_hand" "sql/frozen/$before.sql"
fi
mkdir -p sql/frozen
cp "$made"/*.sql sql/frozen/
(cd sql/frozen && sha256sum ./*.sql | sed 's,\./,,' > SHA256SUMS)

cat > "sql/upgrade/schemaguard--$done--$next.sql" <<END
-- What is done by hand to the objects of $done, such as ALTER TABLE ... ADD COLUMN beside the column's line in sql/parts/.
-- sql/upgrade.awk puts the rest behind it: functions, views, new tables, comments. test/t/082_upgrade.pl compares.
END
pattern=${done//./\\.}
sed -i "s/^default_version = '$pattern'/default_version = '$next'/" schemaguard.control
sed -i "s/\"version\": \"$pattern\"/\"version\": \"$next\"/" META.json
sed -i "1s/($pattern-[0-9]*)/($next-1)/" debian/changelog
sed -i "s/Version $pattern:/Version $next:/" README.md
sed -i "s/^## $pattern (unreleased)/## $next (unreleased)\n\n## $done/" CHANGELOG.md
echo "$done is frozen, $next begins: git add sql/frozen sql/upgrade"
