#!/bin/sh
# Numbers from a real GPU, in three steps:
#
#   bench/gpu.sh pack            where packages can be had: puts Deno and a Vulkan loader into out/gpu (43 MB)
#   bench/gpu.sh run [options]   where the GPU is, with this folder and out/gpu, no network: writes out/gpu.json
#   bench/gpu.sh table [FILE]    anywhere: puts the document's numbers into bench/README.md
#
# Options of `run`: --out FILE, --minutes N, --python CMD; --software --small to rehearse without a GPU.
set -eu
cd "$(dirname "$0")/.."
kit=out/gpu
version=2.9.6

# Deno: the one that was packed, else the machine's own.
find_deno() {
  deno=deno
  if [ -f "$kit/deno-linux-x64-glibc-$version.tgz" ]; then
    bin=$(mktemp -d)
    tar -xzf "$kit/deno-linux-x64-glibc-$version.tgz" -C "$bin"
    deno=$bin/package/deno
    chmod +x "$deno"
  fi
  # Nothing is fetched and nothing of the user's is read.
  DENO_DIR=${DENO_DIR:-$(mktemp -d)}
  DENO_NO_UPDATE_CHECK=1
  export DENO_DIR DENO_NO_UPDATE_CHECK
}

# A Vulkan loader where the machine has none, and the driver's description where it is not in the usual place.
find_vulkan() {
  if ! PATH=$PATH:/sbin ldconfig -p | grep -q 'libvulkan\.so\.1'; then
    loader=$(mktemp -d)
    for package in "$kit"/libvulkan1_*.deb; do
      if command -v dpkg-deb > /dev/null; then dpkg-deb -x "$package" "$loader"; else
        (cd "$loader" && ar p "$OLDPWD/$package" data.tar.xz | tar -xJ)
      fi
    done
    LD_LIBRARY_PATH=$loader/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
  fi
  if [ -z "${VK_DRIVER_FILES:-}" ] && ! ls /etc/vulkan/icd.d/nvidia* /usr/share/vulkan/icd.d/nvidia* > /dev/null 2>&1; then
    for file in /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json; do
      if [ -f "$file" ]; then
        VK_DRIVER_FILES=$file
        export VK_DRIVER_FILES
      fi
    done
  fi
}

case "${1:-}" in
  pack)
    mkdir -p "$kit"
    cd "$kit"
    npm pack --silent "@deno/linux-x64-glibc@$version"
    apt-get download libvulkan1
    ls -l
    ;;
  run)
    shift
    find_deno
    find_vulkan
    mkdir -p out
    exec "$deno" run --no-check --cached-only --allow-all bench/gpu.ts "$@"
    ;;
  table)
    shift
    find_deno
    exec "$deno" run --no-check --cached-only --allow-read --allow-write bench/gpu_table.ts "$@"
    ;;
  *)
    sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'
    exit 2
    ;;
esac
