"""Makes penguins.csv, titanic.csv, co2.csv and sunspots.csv from the wheels that carry them.

    pip download --no-deps palmerpenguins scikit-learn statsmodels
    python3 make_tables.py palmerpenguins-*.whl scikit_learn-*.whl statsmodels-*.whl

Needs nothing but Python. The files have the cells of their sources. Of Titanic, the columns boat, body
and home.dest are left out, because they are known only after the accident, and name, ticket and cabin,
because almost each row has another one.
"""

import csv
import gzip
import io
import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).parent
TITANIC = ["pclass", "sex", "age", "sibsp", "parch", "fare", "embarked", "survived"]


def main(palmerpenguins, scikit_learn, statsmodels):
    def rows(wheel, name):
        return list(csv.reader(io.StringIO(zipfile.ZipFile(wheel).read(name).decode())))

    write("penguins.csv", rows(palmerpenguins, "palmerpenguins/data/penguins.csv"))
    for name in ["co2", "sunspots"]:
        write(f"{name}.csv", rows(statsmodels, f"statsmodels/datasets/{name}/{name}.csv"))

    arff = "sklearn/datasets/tests/data/openml/id_40945/data-v1-dl-16826755.arff.gz"
    text = gzip.decompress(zipfile.ZipFile(scikit_learn).read(arff)).decode()
    head, data = text.split("@data")
    names = [line.split("'")[1] for line in head.splitlines() if line.startswith("@attribute")]
    table = [TITANIC]
    for row in csv.reader(io.StringIO(data)):
        if row:
            cells = dict(zip(names, row, strict=True))
            table.append(["" if cells[name] == "?" else cells[name] for name in TITANIC])
    write("titanic.csv", table)


def write(name, rows):
    assert all(len(row) == len(rows[0]) for row in rows), name
    with open(HERE / name, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"{name}: {len(rows) - 1} rows of {len(rows[0])} columns")


if __name__ == "__main__":
    main(*sys.argv[1:])
