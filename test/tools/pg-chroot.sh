#!/usr/bin/env bash
# pg-chroot.sh: servers that this Debian release does not carry, each in a Debian chroot of a release that does.
#
#   pg-chroot.sh make MAJOR DIR             create DIR: a server of that major, its headers, gcc, make, IPC::Run, and
#                                           pgTAP and pg_cron where Debian has them for it (half a minute, 0.7 GB)
#   pg-chroot.sh assert DIR                 add to DIR, made for 18, a server of the same version with assertions, from
#                                           Debian's source, in /opt/pgsql-assert (3 minutes, 0.3 GB)
#   pg-chroot.sh run DIR SRC COMMAND...     run COMMAND in DIR as root, with the folder SRC at /mnt
#
# `run` leaves no trace: DIR and SRC are read-only, /tmp is empty and private, there is no network, and processes that
# COMMAND leaves behind end with it. So any number may run in one chroot at once.
#
# `assert` shows its server only when it is whole, and what else runs in DIR takes no notice.
#
# Exit status: 3 if none of the releases that might have that major does, or its source cannot be had; 1 for any other failure.
# Needs root, the network but for `run`, and mmdebstrap for `make`. The mirror is the one that this machine's apt uses.

set -euo pipefail

# The releases that may carry a major, most settled first.
releases_of() {
  case $1 in
    15) echo bookworm ;;
    17) echo trixie ;;
    18) echo forky sid ;;
    19) echo forky sid experimental ;;
    *) echo "pg-chroot.sh: no Debian release is known to carry PostgreSQL $1" >&2; return 3 ;;
  esac
}

# The apt sources of a release. experimental is not a whole one: it lies over sid.
sources_of() {
  case $1 in
    experimental) printf "deb $mirror %s main\n" sid experimental ;;
    *) printf "deb $mirror %s main\n" "$1" ;;
  esac
}

# apt with lists and settings of its own, to ask what a release carries without touching this machine's.
private_apt() {
  local tool=$1
  shift
  "$tool" -q -o Dir::Etc::sourcelist="$work/list" -o Dir::Etc::sourceparts=- -o Dir::State="$work/state" \
    -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null -o Acquire::Check-Valid-Until=false \
    -o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}

# Sets release to the first one that carries the major; its sources are in $work/list then.
find_release() {
  local unreachable='' candidate
  for candidate in $(releases_of "$major"); do
    sources_of "$candidate" > "$work/list"
    rm -rf "$work/state" "$work/cache"
    mkdir -p "$work/state" "$work/cache"
    if ! private_apt apt-get --error-on=any update > "$work/log" 2>&1; then
      unreachable="$unreachable $candidate"
      cat "$work/log" >&2
    elif private_apt apt-cache show "postgresql-server-dev-$major" > /dev/null 2>&1; then
      release=$candidate
      return
    fi
  done
  if [ -n "$unreachable" ]; then
    echo "pg-chroot.sh: the mirror did not answer for:$unreachable" >&2
    exit 1
  fi
  echo "pg-chroot.sh: the mirror carries PostgreSQL $major in none of: $(releases_of "$major")" >&2
  exit 3
}

# Sets mirror and work, a folder that goes at the end.
begin() {
  # The main archive: security and updates have a dash in their names.
  # shellcheck disable=SC2016  # apt fills in the fields
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Origin: Debian' \
    | awk '$2 !~ /-/ && !mirror { mirror = $1 } END { print mirror }')
  [ -n "$mirror" ] || { echo "pg-chroot.sh: apt has no package lists: run apt-get update" >&2; exit 1; }
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the value of now
  trap "rm -rf '$work'" EXIT
}

make_chroot() {
  local major=$1 dir=$2 mirror work release extra wanted hooks=()
  [ ! -e "$dir" ] || { echo "pg-chroot.sh: $dir is there already" >&2; exit 1; }
  begin
  find_release
  [ "$release" != experimental ] || {
    # Its server needs its own client libraries, which apt would otherwise not take from there.
    printf 'Package: libpq* libpgtypes* libecpg*\nPin: release a=experimental\nPin-Priority: 990\n' > "$work/pin"
    hooks+=("--setup-hook=mkdir -p \"\$1/etc/apt/preferences.d\" && cp $work/pin \"\$1/etc/apt/preferences.d/\"")
  }
  wanted="postgresql-$major gcc libc6-dev make libipc-run-perl"
  [ "$major" != 18 ] || wanted="$wanted $assert_needs"
  for extra in "postgresql-$major-pgtap" "postgresql-$major-cron"; do
    if private_apt apt-cache show "$extra" > /dev/null 2>&1; then wanted="$wanted $extra"; fi
  done
  # The package with the headers depends on clang and LLVM, which nobody needs here: it is unpacked, not installed.
  # A mirror may be a snapshot, whose release files have expired.
  mmdebstrap --quiet --mode=root --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' "${hooks[@]}" \
    --include="$wanted" \
    --customize-hook="chroot \"\$1\" sh -ec 'cd /tmp; apt-get -qq download postgresql-server-dev-$major libpq-dev
      for p in *.deb; do dpkg-deb -x \"\$p\" /; done; rm -f *.deb'" \
    "${release/experimental/sid}" "$dir" - < "$work/list"
  mkdir -p "$dir/mnt"
  echo "PostgreSQL $major from Debian $release: $(chroot "$dir" pg_config --version)"
}

# Only the tarball of the project itself is taken, so there is no packaging to be had or patched. pgTAP is SQL alone, and a
# library built for the packaged server is one for this, too: assertions do not change what a library looks at.
make_assert_server() {
  local dir=$1 mirror work major
  [ ! -e "$dir$assert_prefix" ] || { echo "pg-chroot.sh: $dir$assert_prefix is there already" >&2; exit 1; }
  begin
  major=$(chroot "$dir" pg_config --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
  sed 's/^deb /deb-src /' "$dir/etc/apt/sources.list" > "$work/list"
  mkdir -p "$work/state" "$work/cache"
  private_apt apt-get --error-on=any update > "$work/log" 2>&1 \
    && (cd "$work" && private_apt apt-get --download-only --tar-only source "postgresql-$major") >> "$work/log" 2>&1 \
    || { cat "$work/log" >&2; echo "pg-chroot.sh: the source of PostgreSQL $major cannot be had" >&2; exit 3; }
  rm -rf "$dir$assert_prefix".{source,new}
  mkdir -p "$dir$assert_prefix".{source,new}
  tar -xf "$work"/postgresql-*.orig.tar.* -C "$dir$assert_prefix.source" --strip-components=1
  # A build that is given up ends with all its processes.
  setpriv --pdeathsig KILL unshare --pid --fork --kill-child chroot "$dir" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 sh -ec '
    prefix=$1 major=$2
    cd "$prefix.source"
    ./configure --quiet --prefix="$prefix" --enable-cassert --enable-debug --enable-tap-tests --with-icu --with-libxml \
      --with-openssl --with-lz4 --without-readline CPPFLAGS=-DUSE_VALGRIND CFLAGS="-Og -g"
    make -s -j "$(nproc)" all
    make -s -j "$(nproc)" -C contrib all
    for folder in . contrib; do make -s -C $folder install "DESTDIR=$prefix.new"; done
    cd "$prefix.new$prefix"
    cp "$prefix.source/src/tools/valgrind.supp" share/
    for name in pgtap pg_cron; do
      cp /usr/share/postgresql/$major/extension/$name* share/extension/ || continue
      [ ! -e /usr/lib/postgresql/$major/lib/$name.so ] || cp /usr/lib/postgresql/$major/lib/$name.so lib/
    done
  ' sh "$assert_prefix" "$major" > "$work/log" 2>&1 \
    || { tail -n 40 "$work/log" >&2; rm -rf "$dir$assert_prefix".{source,new}; exit 1; }
  mv "$dir$assert_prefix.new$assert_prefix" "$dir$assert_prefix"
  rm -rf "$dir$assert_prefix".{source,new}
  echo "with assertions: $(chroot "$dir" "$assert_prefix/bin/pg_config" --version)"
}

run_in_chroot() {
  local dir=$1 src=$2
  shift 2
  # shellcheck disable=SC2016  # for the inner shell
  exec unshare --mount --pid --net --ipc --fork --kill-child bash -ec '
    dir=$1 src=$2
    shift 2
    mount --make-rprivate /
    mount --bind "$dir" "$dir"
    mount --bind "$src" "$dir/mnt"
    mount -o remount,bind,ro "$dir/mnt"
    mount -t proc proc "$dir/proc"
    mount -t tmpfs -o mode=1777 tmpfs "$dir/dev/shm"
    mount -t tmpfs -o mode=1777 tmpfs "$dir/tmp"
    mount -o remount,bind,ro "$dir"
    ip link set lo up 2> /dev/null || true
    exec chroot "$dir" "$@"' pg-chroot "$dir" "$src" \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 "$@"
}

assert_prefix=/opt/pgsql-assert
assert_needs='bison flex perl valgrind libc6-dbg pkgconf libicu-dev libxml2-dev libssl-dev liblz4-dev zlib1g-dev'

action=${1:-}
[ $# -eq 0 ] || shift
case $action in
  make) make_chroot "$@" ;;
  assert) make_assert_server "$@" ;;
  run) run_in_chroot "$@" ;;
  *) sed -n '3,8s/^# *//p' "$0" >&2; exit 2 ;;
esac
