#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs the Debian 12 packages that are missing:  install.sh [build|test]
#   build  what the project and the demo need
#   test   also what the tests need: clang with its fuzzer, clang-format, cryptography for Python,
#          ISA-L (what repair is measured against), SIMDe (emulates instructions that the CPU lacks),
#          zbar (reads the QR code of an identity), SPIN (searches the model of a sender's keys),
#          valgrind (finds what depends on secrets, counts instructions), iproute2 and nftables (networks of namespaces),
#          npm with node (RNNoise's weights, and what they came in: our own is compared with it)
set -eu

packages='gcc libc6-dev meson ninja-build pkg-config
  libglib2.0-dev libjson-glib-dev libsoup-3.0-dev libsodium-dev libssl-dev libopus-dev libcodec2-dev
  libqrencode-dev libnice-dev libspeexdsp-dev libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-libav
  asterisk-core-sounds-en-g722'
[ "${1:-build}" != test ] || packages="$packages
  clang-14 libclang-rt-14-dev llvm-14 clang-format-14
  libisal-dev libsimde-dev python3-cryptography libzbar0 spin valgrind
  iproute2 nftables"

# node may have come from elsewhere, and Debian's does not stand beside that
[ "${1:-build}" != test ] || { command -v npm && command -v node; } >/dev/null || packages="$packages nodejs npm"

missing=
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
    missing="$missing $package"
done
# before this version, libsodium took points that are not in the main subgroup for good
sodium=$(dpkg-query -W -f '${Version}' libsodium23 2>/dev/null || true)
[ -n "$sodium" ] && dpkg --compare-versions "$sodium" ge 1.0.18-1+deb12u1 ||
  missing="$missing libsodium23"
[ -n "$missing" ] || exit 0

echo "installing:$missing"
root=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || {
    echo "install.sh: not root, and there is no sudo. As root: apt-get install$missing" >&2
    exit 1
  }
  root='sudo'
fi
export DEBIAN_FRONTEND=noninteractive
$root apt-get -qq update
# shellcheck disable=SC2086 # a list of packages
$root apt-get -qq install -y --no-install-recommends $missing
