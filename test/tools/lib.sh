# lib.sh: what `make test`, `make demo` and CI share: prerequisites, a private directory, a build, throwaway servers.
#
# To be sourced by a bash script that runs with `set -euo pipefail`:
#
#     . "$(dirname "$0")/../tools/lib.sh"
#     sg_need                                  # a compiler and a server are there now, or we have said what is missing
#     sg_private_dir                           # everything below happens in $SG_DIR, which goes when the script ends
#     sg_build                                 # compiled and installed there, not into the system
#     sg_cluster_start demo "work_mem = 8MB"   # psql and every other client reach this server by default now
#     psql -d postgres -c 'CREATE EXTENSION schemaguard'
#
# Functions
#   sg_say TEXT, sg_die TEXT       a line on standard output; an error on standard error and the end
#   sg_need [tap] [pgtap] [cron]   finds the server (PG_CONFIG, else pg_config on the PATH, else the newest that apt has).
#                                  Missing packages are installed by root on Debian; anyone else is told the command.
#                                  tap: Perl modules, required. pgtap, cron: extensions that one can do without.
#                                  Reaches for the network only if something is missing, and never if SG_NO_INSTALL is set.
#   sg_has_extension NAME          true if the server could CREATE EXTENSION NAME
#   sg_private_dir                 makes SG_DIR, short enough for a socket, and sets the traps that remove it
#   sg_build                       copies the sources to $SG_DIR/src, builds them there, installs them below $SG_DIR/root.
#                                  WERROR=1 makes warnings errors; COPT goes to the compiler.
#   sg_cluster_start NAME [LINE..] a new server in $SG_DIR/NAME that knows the extension (after sg_build), with the LINEs
#                                  added to postgresql.conf. Unix socket only. Sets PGHOST, PGPORT, PGUSER, PGDATABASE.
#   sg_cluster_stop NAME           ends it in good order; whatever still runs when the script ends is stopped then
#   sg_as COMMAND ...              runs COMMAND in $SG_DIR and, where we are root, as the user that owns the servers
#   sg_wait COMMAND ...            the same for long commands: no input, and Ctrl-C or TERM ends the script at once
#
# Variables set: SG_ROOT (the checkout), SG_VERSION, PG_CONFIG, SG_MAJOR, SG_BINDIR (first on the PATH), SG_SHAREDIR,
# SG_DIR, and after sg_build SG_CONF, the file with the settings that make a server find the build.
# KEEP=1 in the environment keeps SG_DIR, TMPDIR moves it.

# shellcheck shell=bash
SG_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SG_VERSION=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" "$SG_ROOT/schemaguard.control")
SG_DIR=
SG_CONF=

# What an outer make or the caller's own database settings hand down must not reach our builds and servers.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR CDPATH
for sg_name in ${!PG@}; do
  case $sg_name in PG_CONFIG | PGREGRESS | PG_TEST_*) ;; *) unset "$sg_name" ;; esac
done
unset sg_name
export LC_ALL=C.UTF-8

sg_say() { printf '%s\n' "$*"; }
sg_die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# ---------------------------------------------------------------------------------------------------------------------
# Prerequisites

# The newest major version for which apt knows both a server and its headers; empty if it knows none.
sg_newest_major() {
  apt-cache pkgnames postgresql-server-dev- 2> /dev/null | sed -n 's/^postgresql-server-dev-\([0-9]*\)$/\1/p' | sort -n | tail -n 1
}

# Which server. Without any pg_config the answers are where Debian's packages will put things.
sg_find_server() {
  sg_pg_config=${PG_CONFIG:-}
  [ -n "$sg_pg_config" ] || sg_pg_config=$(command -v pg_config || true)
  if [ -n "$sg_pg_config" ]; then
    sg_pg_config=$(command -v "$sg_pg_config") || sg_die "PG_CONFIG names no program: $PG_CONFIG"
    case $sg_pg_config in /*) ;; *) sg_pg_config=$PWD/$sg_pg_config ;; esac
    SG_MAJOR=$("$sg_pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
    SG_BINDIR=$("$sg_pg_config" --bindir)
    SG_SHAREDIR=$("$sg_pg_config" --sharedir)
  else
    SG_MAJOR=$(sg_newest_major)
    SG_BINDIR=/usr/lib/postgresql/$SG_MAJOR/bin
    SG_SHAREDIR=/usr/share/postgresql/$SG_MAJOR
  fi
}

sg_has_extension() { [ -e "$SG_SHAREDIR/extension/$1.control" ]; }

# Fills sg_required and sg_optional with the packages that are missing. Files decide, not the package database: headers
# may have been unpacked by hand, and a server may have been built from source.
sg_look_around() {
  local want
  sg_required=() sg_optional=()
  command -v make > /dev/null || sg_required+=(make)
  command -v gcc > /dev/null || sg_required+=(gcc)
  [ -e /usr/include/stdio.h ] || sg_required+=(libc6-dev)
  [ -x "$SG_BINDIR/initdb" ] || sg_required+=("postgresql-$SG_MAJOR")
  if [ -z "$sg_pg_config" ] || [ ! -e "$("$sg_pg_config" --pgxs)" ] \
    || [ ! -e "$("$sg_pg_config" --includedir-server)/postgres.h" ]; then
    sg_required+=("postgresql-server-dev-$SG_MAJOR")
  fi
  for want in "$@"; do
    case $want in
      tap)
        command -v prove > /dev/null || sg_required+=(perl)
        perl -MIPC::Run -e 1 2> /dev/null || sg_required+=(libipc-run-perl) ;;
      pgtap) sg_has_extension pgtap || sg_optional+=("postgresql-$SG_MAJOR-pgtap") ;;
      cron) sg_has_extension pg_cron || sg_optional+=("postgresql-$SG_MAJOR-cron") ;;
      *) sg_die "sg_need: what is $want?" ;;
    esac
  done
  # Debian's packages are of no use to a server that is not Debian's.
  [ "$SG_BINDIR" = "/usr/lib/postgresql/$SG_MAJOR/bin" ] || sg_optional=()
}

# Debian's server package makes a cluster "main" and starts it, which nobody asked for here.
sg_apt_install() {
  local veto=/etc/postgresql-common/createcluster.d/schemaguard-test.conf output status=0
  sg_say "installing $*"
  mkdir -p "${veto%/*}"
  echo 'create_main_cluster = false' > "$veto"
  output=$(DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends \
    install "$@" 2>&1 < /dev/null) || status=$?
  rm -f "$veto"
  [ $status -eq 0 ] || sg_say "$output" >&2
  return $status
}

# Sets offered to what should be installed: all that is required, and what apt has of the optional rest.
sg_offered_packages() {
  local package
  offered=("${sg_required[@]}")
  for package in "${sg_optional[@]}"; do
    if apt-cache show "$package" > /dev/null 2>&1; then offered+=("$package"); fi
  done
}

sg_need() {
  local package offered
  sg_find_server
  # Without pg_config and without package lists there is not even a version to ask for.
  if [ -z "$SG_MAJOR" ] && [ "$(id -u)" = 0 ] && [ -z "${SG_NO_INSTALL:-}" ] && command -v apt-get > /dev/null; then
    apt-get -q update > /dev/null
    sg_find_server
  fi
  [ -n "$SG_MAJOR" ] || sg_die "no pg_config: set PG_CONFIG, or as root:" \
    "apt-get update && apt-get install -y gcc make postgresql postgresql-server-dev-all libipc-run-perl"
  sg_look_around "$@"

  if [ "$(id -u)" = 0 ] && [ -z "${SG_NO_INSTALL:-}" ] && command -v apt-get > /dev/null; then
    for package in "${sg_required[@]}" "${sg_optional[@]}"; do
      apt-cache show "$package" > /dev/null 2>&1 || { apt-get -q update > /dev/null || true; break; }
    done
    sg_offered_packages
    if [ ${#offered[@]} -gt 0 ]; then
      sg_apt_install "${offered[@]}" || sg_die "apt-get failed"
      hash -r
      sg_find_server
      sg_look_around "$@"
    fi
  fi

  if [ ${#sg_required[@]} -gt 0 ]; then
    sg_offered_packages
    sg_die "missing; as root: apt-get update && apt-get install -y ${offered[*]}"
  fi
  for package in "${sg_optional[@]}"; do
    sg_say "not here: $package; tests that need it are skipped"
  done
  export PG_CONFIG=$sg_pg_config
  export PATH="$SG_BINDIR:$PATH"
}

# ---------------------------------------------------------------------------------------------------------------------
# The private directory

# PostgreSQL refuses to run as root.
sg_choose_user() {
  local user=nobody
  SG_AS=(env -C "$SG_DIR" "HOME=$SG_DIR" "TMPDIR=$SG_DIR/tmp")
  if [ "$(id -u)" = 0 ]; then
    ! id postgres > /dev/null 2>&1 || user=postgres
    chown "$user" "$SG_DIR"
    SG_AS=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --init-groups "${SG_AS[@]}" "USER=$user" "LOGNAME=$user")
  fi
}

sg_private_dir() {
  local base
  [ -e /proc/self/cwd ] || sg_die "/proc is not mounted"
  # A socket's path has at most 107 bytes, test suites add up to 40 of them, and neither make nor
  # extension_control_path can bear a space or a colon. Shared libraries cannot be loaded from a noexec mount.
  for base in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
    case $base in [!/]* | *[!A-Za-z0-9/._-]*) continue ;; esac
    [ ${#base} -le 48 ] || continue
    SG_DIR=$(mktemp -d "$base/sg.XXXXXX" 2> /dev/null) || continue
    SG_DIR=$(cd "$SG_DIR" && pwd -P)
    trap sg_cleanup EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    sg_choose_user
    if sg_as mkdir tmp 2> /dev/null && sg_as cp /bin/true tmp/probe && sg_as tmp/probe 2> /dev/null; then
      return
    fi
    rm -rf "$SG_DIR"
    SG_DIR=
  done
  sg_die "no usable directory for temporary files: set TMPDIR to a short path without special characters"
}

sg_as() { "${SG_AS[@]}" "$@"; }

# bash acts on a signal only after its foreground command has ended, but at once while it waits for a background one.
# Background commands would ignore Ctrl-C for good, and so would the servers and clients that they start.
sg_wait() {
  "${SG_AS[@]}" env --default-signal=INT,QUIT "$@" < /dev/null &
  wait $!
}

# Everything started here works somewhere in SG_DIR: servers, backends, test drivers, clients.
sg_processes() {
  find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' \( -lname "$SG_DIR" -o -lname "$SG_DIR/*" \) 2> /dev/null \
    | sed 's,/proc/\([0-9]*\)/cwd,\1,'
}

# Servers get QUIT, which is an immediate shutdown: it removes their shared memory, which KILL would leave behind.
sg_reap() {
  local round pid pids
  for round in 1 2 3 4 5 6 7 8 9 10; do
    pids=$(sg_processes)
    [ -n "$pids" ] || return 0
    for pid in $pids; do
      if [ "$round" = 10 ]; then kill -KILL "$pid"
      elif [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = postgres ]; then kill -QUIT "$pid"
      else kill -TERM "$pid"; fi 2> /dev/null || true
    done
    sleep 0.3
  done
}

sg_cleanup() {
  local status=$?
  set +e
  trap - EXIT
  trap '' HUP INT TERM
  cd /
  sg_reap
  if [ -n "${KEEP:-}" ]; then
    sg_say "kept: $SG_DIR"
  else
    rm -rf "$SG_DIR"
  fi
  exit $status
}

# ---------------------------------------------------------------------------------------------------------------------
# The build

# A copy, so that a checkout may be read-only, somebody else's, in use, or at a path that make cannot bear. What has been
# compiled there is taken along; make knows what of it is out of date, but not with which flags it was made.
sg_copy_sources() {
  local leave=()
  [ -z "${COPT:-}${WERROR:-}" ] || leave=('--exclude=*.o')
  sg_as mkdir src
  tar -C "$SG_ROOT" -cf - --exclude=./.git "${leave[@]}" --exclude='*.bc' --exclude='*.so' --exclude=./results \
    --exclude=./tmp_check --exclude=./output_iso --exclude='./sql/schemaguard--*' . \
    | sg_as tar -C src -xf - --no-same-owner --no-same-permissions
  sg_as chmod -R u+w src
}

# make in the copy. LLVM bitcode would triple the time, and needs clang.
sg_make() { sg_wait make -C "$SG_DIR/src" "PG_CONFIG=$PG_CONFIG" with_llvm=no "$@"; }

# grep reads to the end: a pipe closed early would look like a failure of the server.
sg_has_setting() { "$SG_BINDIR/postgres" --describe-config | cut -f 1 | grep -x "$1" > /dev/null; }

# How a server finds a build that is not installed: PostgreSQL 18 has a setting for that, Debian's older ones have a
# setting of their own. Any other server needs a real installation.
sg_make_findable() {
  local root=$SG_DIR/root pkglibdir
  pkglibdir=$("$PG_CONFIG" --pkglibdir)
  SG_CONF=$SG_DIR/extension.conf
  if sg_has_setting extension_control_path; then
    echo "extension_control_path = '$root$SG_SHAREDIR:\$system'"
  elif sg_has_setting extension_destdir; then
    echo "extension_destdir = '$root'"
  elif [ -w "$pkglibdir" ] && [ -w "$SG_SHAREDIR/extension" ]; then
    sg_say "this server finds installed extensions only: installing into $pkglibdir" >&2
    sg_install=(make -C "$SG_DIR/src" "PG_CONFIG=$PG_CONFIG" with_llvm=no install)
    return
  else
    sg_die "this server finds installed extensions only, and $pkglibdir is not writable: run as root"
  fi > "$SG_CONF"
  sg_install=(sg_make install "DESTDIR=$root")
  # Libraries named without a folder, such as those of background workers, are looked up here.
  echo "dynamic_library_path = '$root$pkglibdir:\$libdir'" >> "$SG_CONF"
  # Compiling a query of the catalogs takes longer than running it once.
  echo 'jit = off' >> "$SG_CONF"
}

sg_build() {
  local log=$SG_DIR/build.log copt=${COPT:-}
  [ -z "${WERROR:-}" ] || copt="$copt -Werror"
  sg_copy_sources
  sg_make_findable
  if ! sg_make -j "$(nproc)" all "COPT=$copt" > "$log" 2>&1 || ! "${sg_install[@]}" >> "$log" 2>&1; then
    cat "$log" >&2
    sg_die "the build failed"
  fi
  grep 'warning:' "$log" || true
}

# ---------------------------------------------------------------------------------------------------------------------
# Throwaway servers

# pg_ctl that starts a server, with what is to be preloaded, or a program of one's own that becomes the server
sg_pg_ctl() { sg_as env ${SG_PRELOAD:+"LD_PRELOAD=$SG_PRELOAD"} "$SG_BINDIR/pg_ctl" ${SG_POSTGRES:+-p "$SG_POSTGRES"} "$@"; }

sg_cluster_start() {
  local name=$1 dir=$SG_DIR/$1
  shift
  sg_as mkdir -p "$dir"
  sg_as "$SG_BINDIR/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N > "$dir/initdb.log" 2>&1 \
    || { cat "$dir/initdb.log" >&2; sg_die "initdb failed"; }
  {
    printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$dir'" 'port = 5432' 'max_connections = 40' \
      'shared_buffers = 64MB' 'fsync = off' 'schemaguard.progress_interval = 0' "log_line_prefix = '%m [%p] %a: '" "timezone = 'UTC'"
    [ -z "$SG_CONF" ] || cat "$SG_CONF"
    [ $# -eq 0 ] || printf '%s\n' "$@"
  } >> "$dir/data/postgresql.conf"
  sg_pg_ctl -D "$dir/data" -l "$dir/server.log" -w -s start > /dev/null \
    || { cat "$dir/server.log" >&2; sg_die "the server $name does not start"; }
  export PGHOST=$dir PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}

sg_cluster_stop() { sg_as "$SG_BINDIR/pg_ctl" -D "$SG_DIR/$1/data" -m fast -w -s stop; }
