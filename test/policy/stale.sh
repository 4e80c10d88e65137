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
  name=$1
  shift
  status=0
  $conntrail explain --stale --netns router "$@" >"$to/$name" 2>"$to/$name.err" </dev/null || status=$?
  echo $status >"$to/$name.status"
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
# the printed command of the first one, then the option
sh -ec "$(sed -n 's/^  delete: //p' "$to/listed" | head -n 1)" 2>"$to/printed"
stale deleted --delete --yes
send 10.0.1.1 53
send 10.0.2.6 99
stale again --json
