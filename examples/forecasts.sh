#!/usr/bin/env bash
# Trains two forecasts, and computes naive ones and a linear autoregression on the same test rows.
#
#   examples/forecasts.sh
#
# Prints the mean absolute error, where less is better, and the seconds of one training. WGRAD is
# the command (default: wgrad), PYTHON one with scikit-learn and pandas, SEEDS the number of seeds (5).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
wgrad=${WGRAD:-wgrad}
python=${PYTHON:-python3}
seeds=${SEEDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Arguments: the configuration, the table, and the target, window, horizon and season in them.
run() {
    local seed
    echo "$1"
    for seed in $(seq 0 $((seeds - 1))); do
        "$wgrad" train "$here/$1" --seed "$seed" --device cpu --out "$work/run" --json \
            2> /dev/null | tail -n 1
        rm -r "$work/run"
    done | "$python" "$here/compare.py" runs mae
    "$python" "$here/compare.py" forecast "$here/data/$2" "${@:3}"
}

run co2.toml co2.csv co2 104 12 52
run sunspots_window.toml sunspots.csv SUNACTIVITY 24 1 1
