#!/usr/bin/env bash
# Trains wgrad without tuning on public tables, and scikit-learn's models on the same rows.
#
#   examples/tables.sh                          # all tables, five seeds
#   SEEDS=1 examples/tables.sh titanic wine     # some of them, one seed
#
# Prints the mean test score and the seconds of one training: accuracy for classes, where more is
# better, and the root mean squared error for numbers, where less is better. WGRAD is the command
# (default: wgrad), PYTHON one with scikit-learn and pandas; without, wgrad draws its own splits.
# SHUTTLE is the file shuttle.csv.gz of PyPI's river; without, PYTHON is asked where river has it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
wgrad=${WGRAD:-wgrad}
python=${PYTHON:-python3}
seeds=${SEEDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -c "import pandas, sklearn" 2> /dev/null || python=
if [ -z "${SHUTTLE:-}" ] && [ -n "$python" ]; then
    find_river='from importlib.util import find_spec as f; print(*f("river").submodule_search_locations)'
    SHUTTLE=$("$python" -c "$find_river" 2> /dev/null)/datasets/shuttle.csv.gz || SHUTTLE=
fi

# Prints a table's name and target, the scores of wgrad, and those of scikit-learn.
run() {
    local name=$1 target=$2 file=$3 seed table
    if [ ! -f "$file" ]; then
        echo "$name: left out, its file is not here" >&2
        return
    fi
    mkdir "$work/$name"
    if [ -n "$python" ]; then
        "$python" "$here/compare.py" split "$file" "$target" "$work/$name" "$seeds"
    fi
    for seed in $(seq 0 $((seeds - 1))); do
        table=$work/$name/$seed.csv
        [ -n "$python" ] || table=$file
        "$wgrad" new "$table" --target "$target" -o "$work/new.toml" > /dev/null 2>&1
        # The column `part` has the split. No other setting is changed.
        if [ -n "$python" ]; then
            sed 's/^test_split = .*/split = "part"/; /^validation_split = /d' "$work/new.toml" \
                > "$work/part.toml"
            mv "$work/part.toml" "$work/new.toml"
        fi
        "$wgrad" train "$work/new.toml" --seed "$seed" --device cpu --out "$work/run" --json \
            2> /dev/null | tail -n 1 >> "$work/$name.jsonl"
        rm -r "$work/run" "$work/new.toml"
    done
    mean "$work/$name.jsonl" > "$work/scores"
    if [ -n "$python" ]; then
        "$python" -W ignore "$here/compare.py" tables "$work/$name" "$target" >> "$work/scores"
    fi
    while IFS=$'\t' read -r model score seconds; do
        printf '%-14s %-12s %-20s %9s %8s s\n' "$name" "$target" "$model" "$score" "$seconds"
    done < "$work/scores"
}

# Prints the mean of the accuracies, or of the roots of the losses of numbers, and of the seconds.
mean() {
    awk '
        function value(key) {
            if (!match($0, "\"" key "\":[-+.e0-9]+")) return -1
            return substr($0, RSTART + length(key) + 3, RLENGTH) + 0
        }
        {
            seconds += value("seconds")
            score += value("accuracy") < 0 ? sqrt(value("loss")) : value("accuracy")
        }
        END { printf "wgrad\t%.4f\t%.1f\n", score / NR, seconds / NR }
    ' "$1"
}

wanted=" ${*:-breast_cancer wine penguins titanic digits diabetes body_mass shuttle} "
data=$here/data
while read -r name target file; do
    if [[ $wanted == *" $name "* ]]; then
        run "$name" "$target" "$file"
    fi
done << END
breast_cancer diagnosis $data/breast_cancer.csv
wine cultivar $data/wine.csv
penguins species $data/penguins.csv
titanic survived $data/titanic.csv
digits label $data/digits.csv
diabetes progression $data/diabetes.csv
body_mass body_mass_g $data/penguins.csv
shuttle anomaly ${SHUTTLE:-none}
END
