#!/usr/bin/env bash
# pg-upgrade.sh [MAJOR]: pg_upgrade from the server of PG_CONFIG to another major (default 18), with everything that schemaguard keeps.
#
# A database is filled under the old server, with the objects of the version before where there is one. pg_upgrade moves it, the
# objects are updated, and: they are what CREATE EXTENSION makes there, every row is there, the plan goes on and is rolled back,
# and proofs do not count any more, for they are of another server. So is a database of this version, with what plans have dropped
# and kept.
#
# The new server is that of a chroot that .ci/run keeps in SG_CI_CACHE; the old one is taken along into it, with the libraries that
# are not there. Exits with 3, loudly, where there is no such chroot, or this is not root.

set -euo pipefail
# ---------------------------------------------------------------------------------------------------------------------
# In the chroot

as() { (cd /tmp && setpriv --reuid=postgres --regid=postgres --init-groups "$@"); }
ask() { psql -XqAt -v ON_ERROR_STOP=1 -d "$1" "${@:2}"; }

failed=0
# expect WHAT GOT EXPECTED
expect() {
  if [ "$2" = "$3" ]; then echo "  ok      $1"; else
    echo "  not ok  $1"
    printf 'got:\n%s\nexpected:\n%s\n' "$2" "$3"
    failed=1
  fi
}

inside() {
  local old=$1 new=$2 before=$3 newbin oldbin data
  newbin=/usr/lib/postgresql/$new/bin
  oldbin=/mnt/old/lib/postgresql/$old/bin
  export PATH=$newbin:$PATH LD_LIBRARY_PATH=/mnt/libraries PGHOST=/tmp PGUSER=postgres PGOPTIONS="-c client_min_messages=error"

  cp -r /mnt/src /tmp/src
  make -s -C /tmp/src -j2 with_llvm=no PG_CONFIG=$newbin/pg_config COPT=-O1 all > /tmp/build.log 2>&1 || { tail -n 40 /tmp/build.log; exit 1; }
  make -s -C /tmp/src with_llvm=no PG_CONFIG=$newbin/pg_config install > /dev/null

  as $oldbin/initdb -D /tmp/old -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N > /dev/null
  as $newbin/initdb -D /tmp/new -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N --no-data-checksums > /dev/null
  for data in old new; do printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '/tmp'" 'fsync = off' >> /tmp/$data/postgresql.conf; done
  as $oldbin/pg_ctl -s -w -D /tmp/old -l /tmp/old.log start
  as $oldbin/createdb kept
  ask kept -f /mnt/src/test/t/upgrade_fill.sql > /dev/null
  ask kept -v "version=$before" -f /mnt/src/test/t/upgrade_exchange.sql > /dev/null
  expect "the objects are those of $before" "$(ask kept -c "SELECT extversion FROM pg_extension WHERE extname = 'schemaguard'")" "$before"
  ask kept -f /mnt/src/test/t/upgrade_kept.sql > /tmp/kept.before
  as $oldbin/createdb attic
  ask attic -c "CREATE EXTENSION schemaguard" -c "CREATE ROLE clerk; CREATE SCHEMA hr; GRANT USAGE ON SCHEMA hr TO clerk;
    CREATE TABLE hr.t (id int PRIMARY KEY, v text); INSERT INTO hr.t VALUES (1, 'one'); GRANT SELECT ON hr.t TO PUBLIC;
    CREATE TABLE u (id int PRIMARY KEY, a int, gone text); INSERT INTO u VALUES (1, 1, 'x'), (2, -1, 'y')" \
    -c "SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 'hr.t'), sg_plan_add_drop('d', 'column', 'u', 'gone'),
      sg_plan_add_check('d', 'u', 'a > 0', policy => 'quarantine')" -c "CALL sg_apply('d', fix => true, fail => true)" > /dev/null
  # what minor releases note there, the other major's may not take
  for data in kept attic; do ask $data -c "UPDATE pg_attribute SET attoptions = NULL WHERE attoptions[1] LIKE 'pg\_attver=%'"; done
  as $oldbin/pg_ctl -s -w -D /tmp/old -m fast stop

  as $newbin/pg_upgrade -b $oldbin -B $newbin -d /tmp/old -D /tmp/new -s /tmp > /tmp/upgrade.log 2>&1 || { tail -n 4 /tmp/upgrade.log; tail -n 20 /tmp/new/pg_upgrade_output.d/*/{*.txt,log/*_dump_*} 2> /dev/null; exit 1; }
  echo "  ok      pg_upgrade from $(as $oldbin/postgres --version | cut -d" " -f3) to $(as $newbin/postgres --version | cut -d" " -f3)"
  as $newbin/pg_ctl -s -w -D /tmp/new -l /tmp/new.log start
  expect "every row is there" "$(ask kept -f /mnt/src/test/t/upgrade_kept.sql)" "$(cat /tmp/kept.before)"
  if [ "$before" != "$(sed -n "s/^default_version = '\(.*\)'/\1/p" /mnt/src/schemaguard.control)" ]; then ask kept -c "ALTER EXTENSION schemaguard UPDATE"; fi
  expect "after the update, too" "$(ask kept -f /mnt/src/test/t/upgrade_kept.sql)" "$(cat /tmp/kept.before)"
  ask kept -c "SELECT sg_capture_ddl(false)" > /dev/null
  as $newbin/createdb fresh
  ask fresh -c "CREATE EXTENSION schemaguard"
  expect "the objects are what CREATE EXTENSION makes" "$(diff <(ask fresh -f /mnt/src/test/t/signature.sql) <(ask kept -f /mnt/src/test/t/signature.sql))" ""
  expect "proofs of the old server do not count" "$(ask kept -c "SELECT DISTINCT stands FROM schemaguard.fk_trust")" f
  ask kept -c "SELECT sg_plan_set('half', '{3}', '{\"state\": \"pending\"}')" -c "CALL sg_add_fks('half')" > /dev/null
  expect "the plan goes on" "$(ask kept -c "SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step")" "validated validated validated"
  ask kept -c "CALL sg_rollback_fks('half')" > /dev/null
  expect "and is rolled back, with rows from quarantine" "$(ask kept -c "SELECT string_agg(b::text, ' ' ORDER BY b), (SELECT count(*) FROM pg_constraint WHERE contype = 'f') FROM c")" "2 3 4 5 6|0"
  expect "tables in the attic, rows in quarantine, and whom they are closed to" "$(ask attic -c "SELECT relnamespace::regnamespace, (SELECT count(*) FROM schemaguard.quarantine),
    has_schema_privilege('clerk', relnamespace, 'USAGE'), has_schema_privilege('public', relnamespace, 'USAGE') FROM pg_class WHERE relname = 't'")" "schemaguard_attic|1|t|f"
  ask attic -c "CALL sg_rollback_fks('d', fail => true)" > /dev/null
  expect "come back by a rollback" "$(ask attic -c "SELECT v, has_table_privilege('public', 'hr.t', 'SELECT') FROM hr.t" -c "SELECT id, a, gone FROM u ORDER BY id")" "one|t
1|1|x
2|-1|y"
  as $newbin/pg_ctl -s -w -D /tmp/new -m fast stop
}

if [ "${1:-}" = --inside ]; then
  inside "${@:2}"
  exit $failed
fi

# ---------------------------------------------------------------------------------------------------------------------
# Outside

# shellcheck source=test/tools/lib.sh
. "$(dirname "$0")/lib.sh"
major=${1:-18}
chroot=${SG_CI_CACHE:-/var/cache/schemaguard-ci}/pg-$major
skip() { printf '\n!!! %s: pg_upgrade is NOT TESTED\n\n' "$*"; exit 3; }
[ "$(id -u)" = 0 ] || skip 'this is not root'
[ -x "$chroot/usr/lib/postgresql/$major/bin/pg_upgrade" ] || skip "there is no $chroot (test/tools/pg-chroot.sh makes it)"

sg_need
[ "$SG_MAJOR" -lt "$major" ] || skip "the server of PG_CONFIG is not older than $major"
sg_private_dir
sg_build

# What goes into the chroot: the old server with schemaguard in its place, what it needs of libraries, the sources
taken=$SG_DIR/taken
mkdir -p "$taken/old/lib/postgresql" "$taken/old/share/postgresql" "$taken/libraries" "$taken/src"
cp -a "$(dirname "$SG_BINDIR")" "$taken/old/lib/postgresql/$SG_MAJOR"
cp -aL "$SG_SHAREDIR" "$taken/old/share/postgresql/$SG_MAJOR"
cp -a "$SG_DIR/root/usr/lib" "$SG_DIR/root/usr/share" "$taken/old/"
{ ldd "$SG_BINDIR"/* "$("$PG_CONFIG" --pkglibdir)"/*.so 2> /dev/null || true; } | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u \
  | while read -r library; do
    [ -e "$chroot$library" ] || [ -e "$chroot/usr$library" ] || cp -L "$library" "$taken/libraries/"
  done
tar -C "$SG_DIR/src" -cf - --exclude='*.o' --exclude='*.so' . | tar -C "$taken/src" -xf -
before=$(sg_make -s print-LASTVERSION)

bash "$SG_ROOT/test/tools/over.sh" "$chroot" "$taken" bash /mnt/src/test/tools/pg-upgrade.sh --inside "$SG_MAJOR" "$major" "$before"
