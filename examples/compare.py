"""Scores scikit-learn on the same rows as wgrad, for tables.sh, spam.sh and forecasts.sh.

    python3 compare.py split TABLE TARGET FOLDER SEEDS   FOLDER/0.csv ... with a column `part`
    python3 compare.py tables FOLDER TARGET              the linear model and MLP of scikit-learn
    python3 compare.py mails FOLDER SEEDS                links the files of FOLDER/{ham,spam} to
                                                         FOLDER/0/train/..., and FOLDER/0/test/...
    python3 compare.py runs [METRIC]                     the mean of lines of `wgrad --json`
    python3 compare.py texts FOLDER SEEDS                hashed words and a logistic regression
    python3 compare.py forecast TABLE TARGET WINDOW HORIZON SEASON   naive forecasts and Ridge

Of each class, a fifth of the rows is the test; wgrad stops by a tenth of the others, `validation`.
scikit-learn has no such split: its models train on all rows that are not the test.
"""

import csv
import gzip
import json
import pathlib
import random
import statistics
import sys
import time


def table(path):
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rt", newline="") as file:
        return list(csv.reader(file))


def parts(labels, seed):
    """Returns the split of each row; classes are in proportion, and other targets are drawn."""
    groups = {}
    classes = len(set(labels)) <= 20
    for row, label in enumerate(labels):
        groups.setdefault(label if classes else "", []).append(row)
    result = [""] * len(labels)
    for rows in groups.values():
        random.Random(seed).shuffle(rows)
        test, validation = round(0.2 * len(rows)), round(0.28 * len(rows))
        for i, row in enumerate(rows):
            result[row] = "test" if i < test else "validation" if i < validation else "train"
    return result


def split(path, target, folder, seeds):
    header, *rows = table(path)
    at = header.index(target)
    for seed in range(int(seeds)):
        part = parts([row[at] for row in rows], seed)
        with open(pathlib.Path(folder) / f"{seed}.csv", "w", newline="") as file:
            rows_of_file = [[*row, p] for row, p in zip(rows, part, strict=True)]
            csv.writer(file).writerows([[*header, "part"], *rows_of_file])


def report(name, scores, seconds):
    print(f"{name}\t{statistics.mean(scores):.4f}\t{statistics.mean(seconds):.1f}")


def tables(folder, target):
    import pandas
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.compose import make_column_selector as columns_of
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import accuracy_score, root_mean_squared_error
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    files = [pandas.read_csv(path) for path in sorted(pathlib.Path(folder).glob("*.csv"))]
    classes = files[0][target].nunique() <= 20
    if classes:
        models = {"LogisticRegression": LogisticRegression, "MLPClassifier": MLPClassifier}
        score = accuracy_score
    else:
        # With a target in its own units, 200 epochs, the default, would not suffice.
        def perceptron(**seed):
            return TransformedTargetRegressor(MLPRegressor(**seed), transformer=StandardScaler())

        models = {"Ridge": Ridge, "MLPRegressor": perceptron}
        score = root_mean_squared_error
    for name, model in models.items():
        scores, seconds = [], []
        for seed, frame in enumerate(files):
            numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
            columns = make_column_transformer(
                (numbers, columns_of(dtype_include="number")),
                (OneHotEncoder(handle_unknown="ignore"), columns_of(dtype_exclude="number")),
            )
            frame = frame[frame[target].notna()]
            features = frame.drop(columns=[target, "part"])
            test = frame["part"] == "test"
            start = time.perf_counter()
            fitted = make_pipeline(columns, model(random_state=seed))
            fitted.fit(features[~test], frame[target][~test])
            scores.append(score(frame[target][test], fitted.predict(features[test])))
            seconds.append(time.perf_counter() - start)
        report(name, scores, seconds)


def mails(folder, seeds):
    folder = pathlib.Path(folder)
    files = {kind: sorted((folder / kind).iterdir()) for kind in ["ham", "spam"]}
    for seed in range(int(seeds)):
        for kind, paths in files.items():
            for path, part in zip(paths, parts([kind] * len(paths), seed), strict=True):
                # wgrad takes its validation split from the rows of `train`.
                to = folder / str(seed) / ("test" if part == "test" else "train") / kind
                to.mkdir(parents=True, exist_ok=True)
                (to / path.name).hardlink_to(path)


def runs(metric="accuracy"):
    done = [json.loads(line) for line in sys.stdin]
    report("wgrad", [run["test"][metric] for run in done], [run["seconds"] for run in done])


def texts(folder, seeds):
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score
    from sklearn.pipeline import make_pipeline

    scores, seconds = [], []
    for seed in range(int(seeds)):
        sets = {}
        for part in ["train", "test"]:
            paths = sorted((pathlib.Path(folder) / str(seed) / part).glob("*/*"))
            mails = [path.read_text("windows-1252", "replace") for path in paths]
            sets[part] = mails, [path.parent.name for path in paths]
        start = time.perf_counter()
        fitted = make_pipeline(HashingVectorizer(), LogisticRegression(random_state=seed))
        fitted.fit(*sets["train"])
        scores.append(accuracy_score(sets["test"][1], fitted.predict(sets["test"][0])))
        seconds.append(time.perf_counter() - start)
    report("HashingVectorizer, LogisticRegression", scores, seconds)


def forecast(path, target, window, horizon, season):
    """Forecasts the last fifth of the rows. Of a missing value, windows have the value before.

    `season` is at least `horizon` and below `window`.
    """
    import numpy
    import pandas
    from sklearn.linear_model import Ridge

    window, horizon, season = int(window), int(horizon), int(season)
    series = pandas.read_csv(path)[target]
    known, series = series.notna().to_numpy(), series.ffill().to_numpy()
    first_test = len(series) - round(0.2 * len(series))
    naive, drift, x, y = [], [], [], []
    starts = [t for t in range(window, len(series) - horizon + 1) if known[t : t + horizon].all()]
    for t in starts:
        before = series[t - season : t - season + horizon]
        naive.append(before)
        # What the series rose by in the season before, added to the naive forecast.
        drift.append(naive[-1] + series[t - 1] - series[t - 1 - season])
        x.append([*(series[t - window : t - 1] - series[t - 1]), series[t - 1] - series[0]])
        y.append(series[t : t + horizon] - series[t - 1])
    starts, naive, drift, x, y = map(numpy.array, [starts, naive, drift, x, y])
    test, train = starts >= first_test, starts + horizon <= first_test
    last = series[starts - 1][:, None]
    scale = x[train].std()
    ridge = Ridge().fit(x[train] / scale, y[train])
    ridge = last + ridge.predict(x / scale).reshape(y.shape)
    for name, predicted in [("naive", naive), ("naive with drift", drift), ("Ridge", ridge)]:
        print(f"{name}\t{numpy.abs(predicted - (last + y))[test].mean():.4f}")


if __name__ == "__main__":
    commands = [split, tables, mails, runs, texts, forecast]
    {f.__name__: f for f in commands}[sys.argv[1]](*sys.argv[2:])
