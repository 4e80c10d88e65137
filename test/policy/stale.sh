# Three namespaces in a row; a flow is mapped, the rules change, the flow stays.
# Arguments: the command conntrail, a folder for what it says.
set -eu
conntrail=$1
to=$2
mount --make-rprivate /
mount -t tmpfs none /run
mkdir -p /run/netns
at() { ip netns exec "$@"; }
for name in client router server; do
  ip netns add $name
  at $name ip link set lo up
done
ip link add name c0 netns client type veth peer name r0 netns router
ip link add name s0 netns server type veth peer name r1 netns router
at client ip addr add 10.0.1.2/24 dev c0
at router ip addr add 10.0.1.1/24 dev r0
at router ip addr add 10.0.2.1/24 dev r1
at server ip addr add 10.0.2.5/24 dev s0
at server ip addr add 10.0.2.6/24 dev s0
for link in client:c0 router:r0 router:r1 server:s0; do
  at ${link%:*} ip link set ${link#*:} up
done
at client ip route add default via 10.0.1.1
at server ip route add default via 10.0.2.1
at router sysctl -qw net.ipv4.ip_forward=1 net.netfilter.nf_conntrack_acct=1

rules() {
  at router nft flush ruleset
  at router nft add table ip nat
  at router nft add chain ip nat pre '{ type nat hook prerouting priority -100; }'
  at router nft add rule ip nat pre iifname r0 udp dport 53 dnat to "$1"
  at router nft add chain ip nat post '{ type nat hook postrouting priority 100; }'
  [ $# -lt 2 ] || at router nft add rule ip nat post oifname r1 udp dport "$2" masquerade
}
stale() {
  in=router
  [ "$1" != of ] || { in=$2; shift 2; }
  name=$1
  shift
  status=0
  $conntrail explain --stale --netns $in "$@" >"$to/$name" 2>"$to/$name.err" </dev/null || status=$?
  echo $status >"$to/$name.status"
}
until_so() {
  for _ in $(seq 200); do "$@" && return; sleep 0.1; done
  echo "not within 20 s: $*" >&2
  return 1
}
# what somebody at a terminal types, once the question is there
asked() {
  name=$1
  mkfifo "$to/keys"
  script -qefc "$conntrail explain --stale --netns router --delete" "$to/$name" <"$to/keys" >/dev/null &
  exec 4>"$to/keys"
  until_so grep -qs '\[y/N\]' "$to/$name"
  printf "$2" >&4
  status=0
  wait $! || status=$?
  exec 4>&-
  rm "$to/keys"
  echo $status >"$to/$name.status"
  at router conntrack -C >"$to/$name.left"
}
send() {
  at client bash -c "exec 3<>/dev/udp/$1/$2; for i in 1 2 3; do echo >&3; sleep 0.05; done"
}

rules 10.0.2.5
send 10.0.1.1 53
send 10.0.2.6 99
stale mapped --json
rules 10.0.2.6 99
stale changed --json
stale listed
stale unasked --delete
asked refused 'n\r'
asked ended '\004'
asked interrupted '\003'
# the printed command of the first one, then the option
sh -ec "$(sed -n 's/^  delete: //p' "$to/listed" | head -n 1)" 2>"$to/printed"
stale deleted --delete --yes
send 10.0.1.1 53
send 10.0.2.6 99
stale again --json

# an answer at a terminal
rules 10.0.2.5 99
send 10.0.1.1 53
asked agreed 'y\r'

# a namespace that only a process leads to, with rules of legacy iptables
unshare --net sleep 600 &
pid=$!
trap 'kill $pid' EXIT
is_apart() { [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
until_so is_apart
inside() { nsenter --net=/proc/$pid/ns/net "$@"; }
inode=$(stat -Lc %i /proc/$pid/ns/net)
echo "$pid $inode" >"$to/container"
inside ip link set lo up
legacy() {
  inside iptables-legacy -t nat -F
  inside iptables-legacy -t nat -A OUTPUT -p udp --dport 53 -j REDIRECT --to-ports $1
}
legacy 5353
inside bash -c 'exec 3<>/dev/udp/127.0.0.1/53; echo >&3'
legacy 5354
stale of $inode unnamed
sh -ec "$(sed -n 's/^  delete: //p' "$to/unnamed")" 2>"$to/unnamed.printed"

# a service of Kubernetes whose endpoint has been replaced
at router nft flush ruleset
at router conntrack -F 2>/dev/null
kubernetes() {
  at router iptables-nft-restore <<EOF
*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-DNS - [0:0]
:KUBE-SEP-$1 - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns cluster IP" -m udp --dport 53 -j KUBE-SVC-DNS
-A KUBE-SVC-DNS -m comment --comment "kube-system/kube-dns:dns -> $2:53" -j KUBE-SEP-$1
-A KUBE-SEP-$1 -p udp -m comment --comment "kube-system/kube-dns:dns" -m udp -j DNAT --to-destination $2:53
COMMIT
EOF
}
kubernetes OLD 10.0.2.5
at client bash -c 'exec 3<>/dev/udp/10.96.0.10/53; for i in $(seq 60); do echo >&3; sleep 0.2; done' 2>/dev/null &
sender=$!
has_flow() { at router conntrack -L -d 10.96.0.10 2>/dev/null | grep -q .; }
until_so has_flow
kubernetes NEW 10.0.2.6
stale kubernetes
kill $sender
