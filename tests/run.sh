#!/usr/bin/env bash
# Runs all tests: those that need no GPU once, those that use one in six modes, on two software adapters (no
# graphics card is needed), at the adapter's own limits or at WebGPU's default limits, and with shaders' run-time
# checks or without:
#   lavapipe     in all four modes. It compiles slowly, so all cases of the ops run in the first mode alone, and in
#                the others those that the doctor runs by default: each op, each kernel and each variant
#   SwiftShader  at its own limits with checks, and at WebGPU's without: all cases
#
#   bash tests/run.sh             everything
#   bash tests/run.sh softmax     the tests with this in their names, in all modes
#
# Missing adapters are installed on Debian and Ubuntu; elsewhere a line says what is needed.
#   WGRAD_SKIP_GPU=1              installs nothing, and passes over adapters that are missing
#   WGRAD_LAVAPIPE_ICD=FILE       this driver's description instead of looking for one
#   WGRAD_SWIFTSHADER_ICD=FILE    likewise
set -euo pipefail
cd "$(dirname "$0")/.."
filter=("$@")
skip="${WGRAD_SKIP_GPU:-0}"
start=$SECONDS

# --- adapters -----------------------------------------------------------------------------------

first_file() {
  local file
  for file in "$@"; do
    if [ -f "$file" ]; then
      echo "$file"
      return
    fi
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    echo "run.sh: not root, and there is no sudo to run: $*" >&2
    return 1
  fi
}

has_apt() { command -v apt-get > /dev/null && command -v dpkg > /dev/null; }

updated=0
apt_update() {
  if [ "$updated" = 0 ]; then
    as_root apt-get update -qq || true
    updated=1
  fi
}

find_lavapipe() {
  first_file ${WGRAD_LAVAPIPE_ICD:+"$WGRAD_LAVAPIPE_ICD"} \
    /usr/share/vulkan/icd.d/lvp_icd*.json /etc/vulkan/icd.d/lvp_icd*.json
}

find_swiftshader() {
  first_file ${WGRAD_SWIFTSHADER_ICD:+"$WGRAD_SWIFTSHADER_ICD"} .drivers/swiftshader.json \
    /usr/lib/chromium/vk_swiftshader_icd.json /opt/google/chrome/vk_swiftshader_icd.json
}

install_lavapipe() {
  apt_update
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends mesa-vulkan-drivers libvulkan1 > /dev/null
}

# The driver is one library inside Chromium's package; the browser itself is not installed.
install_swiftshader() {
  local folder
  rm -rf .drivers
  mkdir -p .drivers/package
  apt_update
  (cd .drivers/package && apt-get download -qq chromium-common > /dev/null) || return 1
  dpkg -x .drivers/package/chromium-common_*.deb .drivers/package || return 1
  folder=.drivers/package/usr/lib/chromium
  [ -f "$folder/libvk_swiftshader.so" ] || return 1
  mv "$folder/libvk_swiftshader.so" .drivers/
  rm -r .drivers/package
}

# Written anew each time: the path must be absolute, and a checkout may move.
describe_swiftshader() {
  [ -f .drivers/libvk_swiftshader.so ] || return 0
  printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.0.5"}}\n' \
    "$PWD/.drivers/libvk_swiftshader.so" > .drivers/swiftshader.json
}

describe_swiftshader
missing=()
adapters=()
for adapter in lavapipe swiftshader; do
  icd=$("find_$adapter")
  if [ -z "$icd" ] && [ "$skip" != 1 ] && has_apt; then
    echo "run.sh: installing $adapter"
    "install_$adapter" || true
    describe_swiftshader
    icd=$("find_$adapter")
  fi
  if [ -z "$icd" ]; then
    missing+=("$adapter")
  else
    adapters+=("$adapter=$(realpath "$icd")")
  fi
done

if [ ${#missing[@]} -gt 0 ] && [ "$skip" != 1 ]; then
  cat >&2 << TEXT
run.sh: missing: ${missing[*]}
  lavapipe     is Mesa's software Vulkan driver, with the Vulkan loader: mesa-vulkan-drivers and
               libvulkan1 (Debian, Ubuntu), mesa-vulkan-drivers and vulkan-loader (Fedora),
               vulkan-swrast and vulkan-icd-loader (Arch)
  swiftshader  is part of Chromium and Chrome: vk_swiftshader_icd.json beside libvk_swiftshader.so
  Where they lie elsewhere, name their files in WGRAD_LAVAPIPE_ICD and WGRAD_SWIFTSHADER_ICD.
  WGRAD_SKIP_GPU=1 bash tests/run.sh runs the tests without them.
TEXT
  exit 1
fi

# Only what draws needs this folder, but some drivers complain where it is not named.
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}"

# --- tests --------------------------------------------------------------------------------------

runs=0
failed=()

# check NAME COMMAND...: goes on after a failure, and remembers it.
check() {
  local name=$1
  shift
  printf '\n=== %s\n' "$name"
  runs=$((runs + 1))
  # What it runs must not read the list of modes.
  "$@" < /dev/null || failed+=("$name")
}

# The targets that use a GPU share the helper `tests/common`.
targets=()
for file in $(grep -lE '^mod common;|common/mod\.rs' tests/*.rs tests/*/main.rs); do
  name=$(basename "$file" .rs)
  [ "$name" != main ] || name=$(basename "$(dirname "$file")")
  # All of its tests are about the GPU; of the others, those with `gpu` in their names.
  [ "$name" = gpu_exec ] || targets+=(--test "$name")
done

on_gpu() {
  if [ ${#filter[@]} -gt 0 ]; then
    cargo test --workspace --no-fail-fast --test gpu_exec "${targets[@]}" -- "${filter[@]}"
    return
  fi
  local status=0
  # The doctor's own tests open a device for each mode by themselves.
  if [ "$WGRAD_TEST_LIMITS$WGRAD_TEST_CHECKS" = adapteron ]; then
    cargo test --workspace --lib -- doctor:: || status=1
  fi
  cargo test --workspace --no-fail-fast --test gpu_exec || status=1
  cargo test --workspace --no-fail-fast "${targets[@]}" -- gpu || status=1
  return $status
}

# Limits, checks, and which cases of the ops.
modes_of_lavapipe() {
  echo adapter on all
  echo webgpu off chosen
  echo adapter off chosen
  echo webgpu on chosen
}

modes_of_swiftshader() {
  echo adapter on all
  echo webgpu off all
}

everything=(cargo test --workspace --no-fail-fast -- "${filter[@]}")
if [ ${#adapters[@]} = 0 ]; then
  check "everything without a GPU" env WGRAD_SKIP_GPU=1 "${everything[@]}"
fi
for adapter in "${adapters[@]}"; do
  name=${adapter%%=*}
  export VK_DRIVER_FILES="${adapter#*=}" VK_ICD_FILENAMES="${adapter#*=}"
  while read -r limits checks cases; do
    export WGRAD_TEST_LIMITS=$limits WGRAD_TEST_CHECKS=$checks WGRAD_TEST_CASES=$cases
    mode="$name, limits: $limits, checks: $checks, cases: $cases"
    if [ "$runs" = 0 ]; then
      check "everything, GPU tests on $mode" "${everything[@]}"
    else
      check "GPU tests on $mode" on_gpu
    fi
  done < <("modes_of_$name")
done

printf '\n'
took="$(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s"
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAILED: %s\n' "${failed[@]}"
  echo "tests/run.sh: ${#failed[@]} of $runs runs FAILED ($took)"
  exit 1
fi
without=""
[ ${#missing[@]} = 0 ] || without=", WITHOUT ${missing[*]}, as WGRAD_SKIP_GPU=1 allows"
echo "tests/run.sh: all $runs runs passed$without ($took)"
