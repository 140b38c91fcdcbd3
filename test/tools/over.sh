#!/usr/bin/env bash
# over.sh ROOT SRC COMMAND...: runs COMMAND as root in a copy-on-write view of ROOT, a chroot or this machine's own /, with the
# folder SRC at /mnt. What it installs and writes, but to /mnt, goes with it, and so does what it leaves running.

set -euo pipefail
# shellcheck disable=SC2016  # for the inner shell
exec unshare --mount --pid --ipc --fork --kill-child bash -ec '
  root=$1 src=$2
  shift 2
  mount --make-rprivate /
  over=$src/.over
  mkdir -p "$over"
  mount -t tmpfs tmpfs "$over"
  mkdir "$over/upper" "$over/work" "$over/root"
  mount -t overlay overlay -o "lowerdir=$root,upperdir=$over/upper,workdir=$over/work" "$over/root"
  mount --bind "$src" "$over/root/mnt"
  mount --rbind /dev "$over/root/dev"
  mount -t proc proc "$over/root/proc"
  mount -t tmpfs -o mode=1777 tmpfs "$over/root/dev/shm"
  mount -t tmpfs -o mode=1777 tmpfs "$over/root/tmp"
  exec chroot "$over/root" "$@"' over "$1" "$2" \
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 "${@:3}"
