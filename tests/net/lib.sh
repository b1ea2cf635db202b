# SPDX-License-Identifier: MIT OR Apache-2.0
# Read first by the tests beside it:  test-NAME.sh SOURCE-ROOT BUILD-ROOT.  Networks of namespaces, for this test alone:
# it runs again in a user, mount and network namespace of its own, so neither root nor anything of the machine's is needed.
for program in unshare ip nft; do
  command -v $program >/dev/null || PATH=$PATH:/usr/sbin:/sbin
  command -v $program >/dev/null || {
    echo "1..0 # SKIP the program $program is missing"
    exit 0
  }
done
if [ -z "${WZP_NET_INSIDE-}" ]; then
  unshare -rmn sh -c 'mount -t tmpfs tmpfs /run && ip netns add try && nft list tables' 2>/dev/null || {
    echo '1..0 # SKIP network namespaces cannot be made here (unshare -rmn, ip netns, nft)'
    exit 0
  }
  WZP_NET_INSIDE=1 exec unshare -rmn --kill-child "$0" "$@"
fi
mount -t tmpfs tmpfs /run
ip link set lo up
. "$(dirname "$0")/../pipelines/lib.sh"

# host NAME ADDRESS: a namespace with this IPv4 address (a /24), on a wire to where we are: .1 of the same net
host() {
  ip netns add "$1"
  ip link add "to-$1" type veth peer name wire netns "$1"
  ip addr add "${2%.*}.1/24" dev "to-$1"
  ip link set "to-$1" up
  ip -n "$1" addr add "$2/24" dev wire
  ip -n "$1" link set lo up
  ip -n "$1" link set wire up
  ip -n "$1" route add default via "${2%.*}.1"
}

# at NAME COMMAND...: there
at() {
  where=$1
  shift
  ip netns exec "$where" "$@"
}
