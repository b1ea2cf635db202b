# SPDX-License-Identifier: MIT OR Apache-2.0
# Read by the scripts beside it: finds the plugin and the programs, in the build folder of this source tree
# (WZP_BUILD, default build/) or installed.
wzp_build=${WZP_BUILD:-$(cd "$(dirname "$0")/.." && pwd)/build}
if [ -e "$wzp_build/gst/libgstwzp.so" ]; then
  GST_PLUGIN_PATH_1_0="$wzp_build/gst${GST_PLUGIN_PATH_1_0:+:$GST_PLUGIN_PATH_1_0}"
  # a registry of its own, so that a fresh plugin is not taken for an old one
  GST_REGISTRY_1_0=${GST_REGISTRY_1_0:-$wzp_build/registry.bin}
  PATH="$wzp_build/relay:$wzp_build/pipelines:$PATH"
  export GST_PLUGIN_PATH_1_0 GST_REGISTRY_1_0 PATH
fi

wzp_fail() {
  echo "$(basename "$0"): $1" >&2
  exit "${2:-1}"
}

command -v gst-launch-1.0 >/dev/null ||
  wzp_fail 'gst-launch-1.0 is missing: apt install gstreamer1.0-tools'
gst-inspect-1.0 wzpcall >/dev/null 2>&1 ||
  wzp_fail "the plugin wzp is neither in $wzp_build/gst nor installed: meson setup build && ninja -C build"
