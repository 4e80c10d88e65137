# In a guest: scripts of the kernel's own tests, each alone, untraced and then
# traced, under one trace; those whose results differ once more in both ways.
# Arguments: their folder, then NAME:SECONDS for each. What a script said and
# came to is left in $OUT, by pass.
cd "$1" || exit 9
shift
export KSFT_MACHINE_SLOW=yes # for those that know a slow machine
ulimit -l unlimited # before 5.11 eBPF counts as locked memory, of all processes of a user together

end_session() { # SESSION: what a script left running. Nothing is started for it: that takes long
	for entry in /proc/[0-9]*; do
		read -r stat 2> /dev/null < "$entry/stat" || continue
		read -r _ _ _ session _ <<< "${stat##*) }" # state, parent, group, session
		[ "$session" = "$1" ] && kill -9 "${entry#/proc/}"
	done
}

run_one() { # PASS NAME SECONDS
	begun=$SECONDS
	setsid timeout -k 5 "$3" "./$2" > "$OUT/$1/$2.log" 2>&1 < /dev/null &
	wait $!
	status=$?
	echo $status > "$OUT/$1/$2.status"
	echo "$1 $2: $status after $((SECONDS - begun)) s"
	end_session $!
	ip -all netns delete
}

run_all() { # PASS NAME:SECONDS...
	pass=$1
	shift
	mkdir -p "$OUT/$pass"
	dmesg -C
	for script in "$@"; do run_one "$pass" "${script%:*}" "${script#*:}"; done
	dmesg > "$OUT/$pass.dmesg"
}

result() { # PASS NAME: its status and its complaints, as selftest-outcome.ts has them
	cat "$OUT/$1/$2.status"
	grep -E '\b(FAIL|ERROR|SKIP)\b' "$OUT/$1/$2.log" | sed -E 's/-\w{6,8}\b//g; s/\b[0-9]+\b/N/g' | sort -u
}

differing() { # PASS PASS NAME:SECONDS...: those with another result
	first=$1 second=$2
	shift 2
	for script in "$@"; do
		name=${script%:*}
		[ "$(result "$first" "$name")" = "$(result "$second" "$name")" ] || echo "$script"
	done
}

run_all untraced "$@"
modprobe nf_conntrack
conntrail record --out "$OUT/trace.capture" --ready-file /tmp/ready 2> "$OUT/said" &
tracer=$!
until [ -e /tmp/ready ]; do
	kill -0 $tracer || exit 8
	sleep 0.5
done
run_all traced "$@"
run_all traced-again $(differing untraced traced "$@")
kill -INT $tracer
wait $tracer
echo $? > "$OUT/trace.status"
run_all untraced-again $(differing untraced traced "$@")
