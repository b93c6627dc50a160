#!/usr/bin/env bash
# Runs all tests. Those that use a GPU run in six modes, on two software adapters (no graphics card
# is needed), at the adapter's limits or at WebGPU's default limits, with the shaders' run-time
# checks or without them:
#
#   lavapipe     all four modes. It compiles slowly: the first mode runs all cases of the ops, the others run the
#                cases that `wgrad doctor` runs by default: each op, each kernel and each variant
#   SwiftShader  the adapter's limits with checks, and WebGPU's limits without: all cases
#
# All tests that need no GPU run once.
#
#   bash tests/run.sh             everything
#   bash tests/run.sh softmax     the tests with this in their names, in all modes
#   bash tests/run.sh --quick     one mode of lavapipe with the chosen cases, and most of what needs no GPU: without the
#                                 doctor's own tests and those of the tuner and of memory limits, which take longest
#   WGRAD_TEST_JOBS=4             the number of test programs that run at once (default: one per core)
#
# Missing adapters are installed on Debian and Ubuntu; elsewhere a message says what to install.
#   WGRAD_SKIP_GPU=1              installs nothing, and skips the modes of missing adapters
#   WGRAD_LAVAPIPE_ICD=FILE       uses this driver manifest instead of searching for one
#   WGRAD_SWIFTSHADER_ICD=FILE    likewise
set -euo pipefail
cd "$(dirname "$0")/.."
quick=0
filter=()
for argument in "$@"; do
  case $argument in
    --quick) quick=1 ;;
    -*)
      echo "run.sh: expected --quick or a part of a test's name, found $argument" >&2
      exit 2
      ;;
    *) filter+=("$argument") ;;
  esac
done
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

# Written on each run: the path must be absolute, and a checkout may move.
describe_swiftshader() {
  [ -f .drivers/libvk_swiftshader.so ] || return 0
  printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.0.5"}}\n' \
    "$PWD/.drivers/libvk_swiftshader.so" > .drivers/swiftshader.json
}

describe_swiftshader
missing=()
adapters=()
wanted=(lavapipe swiftshader)
[ "$quick" = 0 ] || wanted=(lavapipe)
for adapter in "${wanted[@]}"; do
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
run.sh: expected the software adapters ${wanted[*]}, found no ${missing[*]}
  lavapipe     is Mesa's software Vulkan driver, with the Vulkan loader: mesa-vulkan-drivers and
               libvulkan1 (Debian, Ubuntu), mesa-vulkan-drivers and vulkan-loader (Fedora),
               vulkan-swrast and vulkan-icd-loader (Arch)
  swiftshader  is part of Chromium and Chrome: vk_swiftshader_icd.json beside libvk_swiftshader.so
  If they are installed elsewhere, set WGRAD_LAVAPIPE_ICD and WGRAD_SWIFTSHADER_ICD.
  WGRAD_SKIP_GPU=1 bash tests/run.sh runs the tests without them.
TEXT
  exit 1
fi

# Only programs that draw need this folder, but lavapipe prints an error if the variable is not set.
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}"

# --- test programs ------------------------------------------------------------------------------

# Built once, then run directly: a program is then one job, and jobs of several modes run at once. A
# software adapter compiles the shaders of a device on one core, so one program alone leaves the
# other cores idle.
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
echo "run.sh: building"
cargo test --workspace --no-run --message-format=json-render-diagnostics > "$logs/build.json"
# Folder, name and file of each program. The profile of a test program ends in `"test":true`; the
# command line itself is an executable without it.
fields='s/.*"manifest_path":"\([^"]*\)\/Cargo\.toml".*"name":"\([^"]*\)","src_path".*"executable":"\([^"]*\)".*/\1\t\2\t\3/p'
programs=$(sed -n '/"test":true},"features"/'"{ $fields }" "$logs/build.json")
if [ -z "$programs" ]; then
  echo "run.sh: expected test programs from cargo, found none" >&2
  exit 1
fi

# The programs that use a GPU share the helper `tests/common`.
gpu_targets=" "
for file in $(grep -lE '^mod common;|common/mod\.rs' tests/*.rs tests/*/main.rs); do
  name=$(basename "$file" .rs)
  [ "$name" != main ] || name=$(basename "$(dirname "$file")")
  gpu_targets+="$name "
done

# --- jobs ---------------------------------------------------------------------------------------

workers="${WGRAD_TEST_JOBS:-$(nproc 2> /dev/null || echo 2)}"
jobs_started=0

# Background jobs ignore an interrupt, so they are ended here.
kill_tree() {
  local child
  for child in $(pgrep -P "$1"); do kill_tree "$child"; done
  kill "$1" 2> /dev/null || true
}
trap 'for job in $(jobs -p); do kill_tree "$job"; done; exit 130' INT TERM

# run_job FOLDER NAME COMMAND...: runs the command and prints its result, with all output if it
# failed or tests were named.
run_job() {
  local folder=$1 name=$2 log began=$SECONDS status=0
  shift 2
  log=$(mktemp "$logs/log.XXXXXX")
  (cd "$folder" && "$@") > "$log" 2>&1 < /dev/null || status=$?
  {
    printf '%s  %s (%d s)\n' "$([ "$status" = 0 ] && echo ok || echo FAILED)" "$name" $((SECONDS - began))
    if [ "$status" != 0 ]; then
      echo "$name" >> "$logs/failed"
      cat "$log"
    elif [ ${#filter[@]} -gt 0 ]; then
      grep -E '^(test .*\.\.\.|test result)' "$log" || true
    else
      grep -E '^test result' "$log" | sed 's/^/      /' || true
    fi
  } > "$log.report"
  # One report at a time.
  (
    flock 9
    cat "$log.report"
  ) 9> "$logs/lock"
}

# job FOLDER NAME COMMAND...: runs it concurrently with others, as soon as a worker is free.
job() {
  while [ "$(jobs -rp | wc -l)" -ge "$workers" ]; do
    wait -n || true
  done
  jobs_started=$((jobs_started + 1))
  run_job "$@" &
}

# each_program FUNCTION: calls it with folder, name and program of each, the longest ones first.
each_program() {
  local order folder name program
  for order in ops shaders torch training gpu_exec ''; do
    while IFS=$'\t' read -r folder name program; do
      case $order in
        "$name") "$1" "$folder" "$name" "$program" ;;
        '') [[ " ops shaders torch training gpu_exec " == *" $name "* ]] || "$1" "$folder" "$name" "$program" ;;
      esac
    done <<< "$programs"
  done
}

# label FOLDER NAME: prints a unique label, because both packages have programs with the same name.
label() {
  local folder=${1#"$PWD"}
  echo "${folder:+${folder#/}/}$2"
}

# Counts allocator calls, which other tests would change, so it runs alone.
alone=cpu_memory

# Everything that needs no GPU. Tests that use a GPU run here in the first mode, if there is one.
everything() {
  local left_out=()
  if [ "$quick" = 1 ] && [ ${#filter[@]} = 0 ]; then
    case $(label "$1" "$2") in
      wgrad) left_out=(--skip doctor::) ;;
      training) left_out=(--skip tuning:: --skip memory_limit::) ;;
    esac
  fi
  [ "$2" = "$alone" ] || job "$1" "$(label "$1" "$2"), $mode" "$3" "${filter[@]}" "${left_out[@]}"
}

run_alone() {
  [ "$2" != "$alone" ] || run_job "$1" "$2" "$3" "${filter[@]}"
}

# The tests of a program that use a GPU: all tests of `gpu_exec`, and of the other programs
# those with `gpu` in their names. The doctor's tests open a device for each mode by themselves,
# so they run once per adapter.
on_gpu() {
  if [ "$1" = "$PWD" ] && [ "$2" = wgrad ] && [ ${#filter[@]} = 0 ]; then
    [ "$WGRAD_TEST_LIMITS$WGRAD_TEST_CHECKS" != adapteron ] || job "$1" "doctor, $mode" "$3" doctor::
  elif [[ $gpu_targets == *" $2 "* ]]; then
    if [ ${#filter[@]} -gt 0 ] || [ "$2" = gpu_exec ]; then
      job "$1" "$2, $mode" "$3" "${filter[@]}"
    else
      job "$1" "$2, $mode" "$3" gpu
    fi
  fi
}

# Limits, checks, and which cases of the ops.
modes_of() {
  case $1$quick in
    lavapipe1) echo adapter on chosen ;;
    lavapipe0)
      # Modes with the same checks share most shaders in the driver's cache on disk, so they do not
      # run at once.
      echo adapter on all
      echo webgpu off chosen
      echo webgpu on chosen
      echo adapter off chosen
      ;;
    swiftshader0)
      echo adapter on all
      echo webgpu off all
      ;;
  esac
}

first_mode() {
  job "$PWD" "programs of the documentation" cargo test --workspace --doc -- "${filter[@]}"
  each_program everything
}

each_program run_alone
modes=0
if [ ${#adapters[@]} = 0 ]; then
  export WGRAD_SKIP_GPU=1
  mode="without a GPU"
  first_mode
fi
for adapter in "${adapters[@]}"; do
  name=${adapter%%=*}
  export VK_DRIVER_FILES="${adapter#*=}" VK_ICD_FILENAMES="${adapter#*=}"
  while read -r limits checks cases; do
    export WGRAD_TEST_LIMITS=$limits WGRAD_TEST_CHECKS=$checks WGRAD_TEST_CASES=$cases
    mode="$name, limits: $limits, checks: $checks, cases: $cases"
    if [ "$modes" = 0 ]; then first_mode; else each_program on_gpu; fi
    modes=$((modes + 1))
  done < <(modes_of "$name")
done
wait

printf '\n'
took="$(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s"
if [ -f "$logs/failed" ]; then
  sed 's/^/FAILED: /' "$logs/failed"
  echo "tests/run.sh: $(wc -l < "$logs/failed") of $((jobs_started + 1)) test programs FAILED ($took)"
  exit 1
fi
without=""
[ ${#missing[@]} = 0 ] || without=", WITHOUT ${missing[*]}, as WGRAD_SKIP_GPU=1 allows"
echo "tests/run.sh: all $((jobs_started + 1)) test programs passed in $modes modes$without ($took)"
