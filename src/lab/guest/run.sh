# The guest's second program, already on the host's userland: mounts what tools
# expect, runs the command, and reports through virtio ports: its standard
# output, its standard error, the folder $OUT as a tar, and at last the status.
lab=/run/lab
bb=$lab/busybox
. $lab/settings

$bb mkdir -p /dev/pts /dev/shm $lab/out
$bb mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
$bb mount -t tmpfs -o mode=1777 shm /dev/shm
$bb mount -t tracefs tracefs /sys/kernel/tracing
$bb mount -t debugfs debugfs /sys/kernel/debug
$bb mount -t bpf bpf /sys/fs/bpf
$bb mount -t cgroup2 cgroup2 /sys/fs/cgroup
$bb ln -sf /proc/self/fd /dev/fd
for stream in 0:stdin 1:stdout 2:stderr; do
	$bb ln -sf "/proc/self/fd/${stream%:*}" "/dev/${stream#*:}"
done
$bb hostname lab
$bb ip link set lo up

export PATH=$lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8 OUT=$lab/out TERM="$terminal" CONNTRAIL_LAB_GUEST=1
cd "$directory" || cd /

port() { # NAME: the device of that virtio port; its name appears a little after boot
	tries=0
	while [ $tries -lt 250 ]; do
		for entry in /sys/class/virtio-ports/*; do
			[ "$($bb cat "$entry/name" 2> /dev/null)" = "$1" ] && echo "/dev/${entry##*/}" && return
		done
		$bb usleep 20000
		tries=$((tries + 1))
	done
	echo "lab: no virtio port $1" > /dev/console
	$bb reboot -f
}

pump() { # NAME: from its pipe to its port; how many bytes, in a file
	$bb tee "$(port "$1")" < "$lab/$1" | $bb wc -c > "$lab/$1.bytes"
}

sent() { # NAME: how many bytes went to its port
	$bb cat "$lab/$1.bytes" 2> /dev/null || echo 0
}

release() { # ends what writes into the pipes: the last digit of its flags is not O_RDONLY
	for fd in /proc/[0-9]*/fd/*; do
		case $($bb readlink "$fd") in
		"$lab/stdout" | "$lab/stderr") ;;
		*) continue ;;
		esac
		pid=${fd#/proc/}
		pid=${pid%%/*}
		$bb grep -q '^flags:.*[12]$' "/proc/$pid/fdinfo/${fd##*/}" && kill -9 "$pid"
	done
}

exec 3<> "$(port control)"
echo booted >&3

if [ "$mode" = shell ]; then
	$bb stty rows "$rows" cols "$columns" < /dev/console
	$bb setsid $bb cttyhack "$shell" -i < /dev/console > /dev/console 2>&1 3>&-
	status=$?
else
	$bb mkfifo $lab/stdout $lab/stderr
	pump stdout 3>&- &
	out_pump=$!
	pump stderr 3>&- &
	err_pump=$!
	# /bin/sh by its path: busybox's own would take its applets for the tools of the same names
	$bb setsid /bin/sh $lab/command < /dev/null > $lab/stdout 2> $lab/stderr 3>&-
	status=$?
	# something the command left behind may hold the pipes open for ever
	{ $bb sleep 2 && release; } > /dev/null 2>&1 3>&- &
	wait $out_pump $err_pump 2> /dev/null
fi

if [ "$bring" = yes ]; then
	$bb tar -cf - -C $lab/out . 2> /dev/console | $bb tee "$(port out)" | $bb wc -c > $lab/out.bytes
fi
# a write to a port returns before the host has taken it, and a reboot throws the rest away
echo "exit $status $(sent stdout) $(sent stderr) $(sent out)" >&3
read -r _ <&3
$bb sync
$bb reboot -f
