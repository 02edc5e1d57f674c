# PID 1 of the guest, until systemd takes its place. $1 is an empty folder.
set -eu
mount --make-rprivate /
mount -t tmpfs -o size=8g,mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
root="$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom tty; do
  : >"$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"

# Of this machine's own units, schedules and past, nothing.
etc="$root/etc/systemd/system"
rm -rf "$etc"/*.wants "$etc"/*.requires "$etc"/*.timer "$etc"/*.service "$root/var/lib/systemd/timers" "$root/var/log/journal"
rm -rf "$root"/etc/cron.d/* "$root"/etc/cron.*ly/* "$root"/etc/crontab "$root"/var/spool/cron/crontabs/*
rm -rf "$root"/etc/letsencrypt "$root"/root/.acme.sh "$root"/home/*
mkdir -p "$root/var/lib/systemd/timers" "$etc"
# Generators look for hardware, mounts and old scripts, at every daemon-reload.
for generator in "$root"/lib/systemd/system-generators/* "$root"/usr/lib/systemd/system-generators/*; do
  case "$generator" in */postgresql-generator | */postfix-instance-generator) ;; *) rm -f "$generator" ;; esac
done
for unit in getty.target console-getty.service systemd-logind.service systemd-timesyncd.service \
  systemd-networkd.service systemd-resolved.service systemd-udevd.service systemd-udev-trigger.service \
  systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-remount-fs.service systemd-sysctl.service \
  systemd-modules-load.service systemd-binfmt.service systemd-random-seed.service systemd-pstore.service \
  systemd-update-utmp.service systemd-journal-flush.service systemd-hwdb-update.service \
  systemd-tmpfiles-setup-dev.service systemd-tmpfiles-clean.timer dev-hugepages.mount dev-mqueue.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount tmp.mount \
  proc-sys-fs-binfmt_misc.automount; do
  ln -sf /dev/null "$etc/$unit"
done
ln -sf /lib/systemd/system/multi-user.target "$etc/default.target"
: >"$root/etc/fstab"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nForwardToWall=no\nRateLimitBurst=0\n' >"$root/etc/systemd/journald.conf.d/guest.conf"

hostname guest
ip link set lo up 2>/dev/null || true
mkdir -p "$root/.before"
cd "$root"
pivot_root . .before
umount -l /.before
# As on a machine: what systemd mounts on the way to a service reaches the service.
mount --make-rshared /
exec env -i container=guest TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  "$2" --system --show-status=no --log-target=journal --unit=multi-user.target </dev/null >/dev/null 2>&1
