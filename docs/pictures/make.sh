#!/usr/bin/env bash
# Makes the pictures of README.md from what the project's own commands write: `report.png`, the
# report page of `examples/digits.toml`, and `terminal.png`, the output of a short training.
#
#   docs/pictures/make.sh              writes them beside this script
#   WGRAD=FILE docs/pictures/make.sh   uses this binary instead of building one
#
# Needs Chromium (Debian: apt-get install chromium; CHROMIUM names another browser of its family).
set -euo pipefail
cd "$(dirname "$0")/../.."

# The limit of a picture, so that a clone stays small.
MAX_BYTES=200000

browser="${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}"
if [ -z "$browser" ]; then
  echo "make.sh: expected chromium or google-chrome in PATH, found neither; set CHROMIUM=FILE" >&2
  exit 1
fi
if [ -z "${WGRAD:-}" ]; then
  cargo build --release -q
  target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
  WGRAD="$target/release/wgrad"
fi
wgrad=$(realpath "$WGRAD")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$work}"
cp -r examples "$work/"
output=$(realpath docs/pictures)
cd "$work"

# screenshot NAME PAGE WIDTH HEIGHT SCALE
screenshot() {
  "$browser" --headless --no-sandbox --disable-gpu --no-first-run --disable-sync \
    --disable-background-networking --disable-component-update --hide-scrollbars \
    --user-data-dir="$work/profile" --force-device-scale-factor="$5" \
    --window-size="$3,$4" --screenshot="$output/$1" "file://$2" > "$work/browser.log" 2>&1 ||
    { cat "$work/browser.log" >&2; exit 1; }
  bytes=$(stat -c %s "$output/$1")
  echo "$1: $bytes bytes"
  if [ "$bytes" -gt "$MAX_BYTES" ]; then
    echo "make.sh: expected at most $MAX_BYTES bytes, found $bytes ($1); lower its size or scale" >&2
    exit 1
  fi
}

# --- the report page ------------------------------------------------------------------------------

"$wgrad" train examples/digits.toml --device cpu > /dev/null 2>&1
screenshot report.png "$work/runs/digits/report.html" 1000 785 1.5

# --- the terminal ---------------------------------------------------------------------------------

escape() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }

# type_and_run ARGUMENTS...: the prompt with the command, then what it prints on both streams.
type_and_run() {
  printf '<b>$ wgrad %s</b>\n' "$*"
  "$wgrad" "$@" 2>&1 | escape
}

rm -r runs
type_and_run train examples/digits.toml --device cpu --epochs 10 > session.txt
lines=$(wc -l < session.txt)
{
  cat << 'HTML'
<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #15181c; color: #d5dae0 }
pre { margin: 16px 20px; font: 13px/18px "DejaVu Sans Mono", Menlo, Consolas, monospace }
b { color: #8ec5ff; font-weight: normal }
</style><pre>
HTML
  cat session.txt
  echo '</pre>'
} > terminal.html
screenshot terminal.png "$work/terminal.html" 980 $((lines * 18 + 32)) 1
