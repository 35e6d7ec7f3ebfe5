#!/usr/bin/busybox sh
# The guest's first process: a machine with cgroup v2 alone, one story, power off.
/usr/bin/busybox --install -s /usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
export PATH=/usr/bin HOME=/root LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
python3 /autotune/tests/e2e/story.py
echo "the story ended with status $?"
poweroff -f
