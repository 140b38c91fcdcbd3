#!/usr/bin/env bash
# indent.sh [DIR]: what pgindent would change in DIR/src (default: this checkout), as a diff for `patch -p1`; status 0 if
# that is nothing. Takes pgindent, pg_bsd_indent and the server's list of types from the server of PG_CONFIG (the headers
# package of PostgreSQL 17 and later has them), and finds our own types in the sources.

set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
PG_CONFIG=${PG_CONFIG:-pg_config}
bindir=$("$PG_CONFIG" --bindir)
typedefs=$("$PG_CONFIG" --sharedir)/typedefs.list
if [ ! -x "$bindir/pgindent" ] || [ ! -e "$typedefs" ]; then
  echo "indent.sh: $("$PG_CONFIG" --version) comes without pgindent" >&2
  exit 3
fi

# shellcheck disable=SC2046  # no blanks in our names
# The name is the last word of a definition, or the one in (*name)(...) if it is of a function pointer.
own_types=$(perl -0777 -ne '
  s,/\*.*?\*/,,gs;
  while (/\btypedef\b((?:[^;{]|(\{(?:[^{}]|(?2))*\}))*);/g) {
    my $definition = $1;
    1 while $definition =~ s/\{[^{}]*\}//g;
    print "$1\n" if $definition =~ /\(\s*\*\s*(\w+)\s*\)\s*\(/ || $definition =~ /(\w+)(?:\s*\[[^\]]*\])*\s*(?:\([^{}]*\))?\s*$/;
  }' $(find src -name '*.[ch]') | sort -u)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/a" "$work/b"
cp -r src "$work/a"
cp -r src "$work/b"
cd "$work/b"
"$bindir/pgindent" --indent="$bindir/pg_bsd_indent" --typedefs="$typedefs" --list-of-typedefs=" ${own_types//$'\n'/ }" src 2>&1 \
  | tee "$work/log" || true
# a file that it can't read is left as it is, and no reason for pgindent to fail
if [ -s "$work/log" ]; then exit 1; fi
cd ..
diff -ru a b
