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
peer=bitsandbytes==0.50.2

# Deno: the one that was packed, else the machine's own.
find_deno() {
  deno=deno
  if [ -f "$kit/deno-$version.xz" ]; then
    deno=$(mktemp -d)/deno
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' \
      "$kit/deno-$version.xz" "$deno"
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
    for package in "$kit"/*.deb; do
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
    tar -xzOf "deno-linux-x64-glibc-$version.tgz" package/deno | xz -9 > "deno-$version.xz"
    rm "deno-linux-x64-glibc-$version.tgz"
    # NVIDIA's driver wants libglvnd beside the loader.
    apt-get download libvulkan1 libglvnd0 libegl1 libglx0 libgl1 libopengl0 libgles2
    # Of bitsandbytes what CUDA 13 needs.
    python3 -m pip download --quiet --no-deps --only-binary=:all: --platform manylinux_2_24_x86_64 -d . "$peer"
    python3 -c 'import sys, zipfile
for wheel in sys.argv[1:]:
    archive = zipfile.ZipFile(wheel)
    archive.extractall("site", [n for n in archive.namelist() if not n.endswith(".so") or "cuda130" in n])' bitsandbytes-*.whl
    rm bitsandbytes-*.whl
    du -sh .
    ;;
  run)
    shift
    find_deno
    find_vulkan
    mkdir -p out
    PYTHONPATH=$PWD/$kit/site${PYTHONPATH:+:$PYTHONPATH}
    export PYTHONPATH
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
