"""Makes the CSV files of this folder from scikit-learn's wheel, which carries the data.

    pip download --no-deps scikit-learn
    python3 make.py scikit_learn-*.whl

Needs nothing but Python: the wheel is read as the zip archive that it is, and not installed.
"""

import csv
import gzip
import io
import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).parent

MEASURES = [
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
]
CANCER = (
    [f"mean {m}" for m in MEASURES]
    + [f"{m} error" for m in MEASURES]
    + [f"worst {m}" for m in MEASURES]
)
IRIS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
WINE = [
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280/od315_of_diluted_wines",
    "proline",
]
DIABETES = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]


def main(path):
    wheel = zipfile.ZipFile(path)

    def read(name, delimiter=","):
        data = wheel.read(f"sklearn/datasets/data/{name}")
        if name.endswith(".gz"):
            data = gzip.decompress(data)
        return [row for row in csv.reader(io.StringIO(data.decode()), delimiter=delimiter) if row]

    def whole(text):
        """The digits are stored as whole numbers, but written as floating-point ones."""
        assert float(text) == int(float(text)), text
        return str(int(float(text)))

    digits = [[whole(x) for x in row] for row in read("digits.csv.gz")]
    write("digits.csv", [f"p{i}" for i in range(64)] + ["label"], digits)

    # These three name their classes in the first line and end each other line with a class's number.
    for source, file, features, target in [
        ("breast_cancer.csv", "breast_cancer.csv", CANCER, "diagnosis"),
        ("iris.csv", "iris.csv", IRIS, "species"),
        ("wine_data.csv", "wine.csv", WINE, "cultivar"),
    ]:
        (count, width, *names), *rows = read(source)
        assert int(count) == len(rows) and int(width) == len(features), source
        rows = [[*row[:-1], names[int(row[-1])]] for row in rows]
        write(file, [*features, target], rows)

    features = read("diabetes_data_raw.csv.gz", delimiter=" ")
    progression = [[whole(x) for x in row] for row in read("diabetes_target.csv.gz")]
    rows = [[*x, *y] for x, y in zip(features, progression, strict=True)]
    write("diabetes.csv", [*DIABETES, "progression"], rows)


def write(name, header, rows):
    assert all(len(row) == len(header) for row in rows), name
    with open(HERE / name, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    print(f"{name}: {len(rows)} rows of {len(header)} columns")


if __name__ == "__main__":
    main(*sys.argv[1:])
