#!/usr/bin/env bash
# pg-chroot.sh: servers that this Debian release does not carry, each in a Debian chroot of a release that does.
#
#   pg-chroot.sh make MAJOR DIR             create DIR: a server of that major, its headers, gcc, make, IPC::Run, and
#                                           pgTAP and pg_cron where Debian has them for it (half a minute, 0.7 GB)
#   pg-chroot.sh run DIR SRC COMMAND...     run COMMAND in DIR as root, with the folder SRC at /mnt
#
# `run` leaves no trace: DIR and SRC are read-only, /tmp is empty and private, there is no network, and processes that
# COMMAND leaves behind end with it. So any number may run in one chroot at once.
#
# Exit status of `make`: 3 if none of the releases that might have that major does, 1 for any other failure.
# Needs root, and mmdebstrap for `make`. The mirror is the one that this machine's apt uses.

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

make_chroot() {
  local major=$1 dir=$2 mirror work release extra wanted hooks=()
  [ ! -e "$dir" ] || { echo "pg-chroot.sh: $dir is there already" >&2; exit 1; }
  # The main archive: security and updates have a dash in their names.
  # shellcheck disable=SC2016  # apt fills in the fields
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Origin: Debian' \
    | awk '$2 !~ /-/ && !mirror { mirror = $1 } END { print mirror }')
  [ -n "$mirror" ] || { echo "pg-chroot.sh: apt has no package lists: run apt-get update" >&2; exit 1; }
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the value of now
  trap "rm -rf '$work'" EXIT
  find_release
  [ "$release" != experimental ] || {
    # Its server needs its own client libraries, which apt would otherwise not take from there.
    printf 'Package: libpq* libpgtypes* libecpg*\nPin: release a=experimental\nPin-Priority: 990\n' > "$work/pin"
    hooks+=("--setup-hook=mkdir -p \"\$1/etc/apt/preferences.d\" && cp $work/pin \"\$1/etc/apt/preferences.d/\"")
  }
  wanted="postgresql-$major gcc libc6-dev make libipc-run-perl"
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

action=${1:-}
[ $# -eq 0 ] || shift
case $action in
  make) make_chroot "$@" ;;
  run) run_in_chroot "$@" ;;
  *) sed -n '3,6s/^# *//p' "$0" >&2; exit 2 ;;
esac
