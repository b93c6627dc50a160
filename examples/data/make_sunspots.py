"""Makes sunspots_train.csv and sunspots_test.csv from statsmodels' wheel, which carries the series.

    pip download --no-deps statsmodels
    python3 make_sunspots.py statsmodels-*.whl

Needs nothing but Python. A row is a year: the sunspot numbers of the WINDOW years before it, oldest first, and
its own, which is to be predicted. Also prints how well naive forecasts do on the test years.
"""

import csv
import io
import math
import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).parent
WINDOW = 24
FIRST_TEST_YEAR = 1950


def main(path):
    text = zipfile.ZipFile(path).read("statsmodels/datasets/sunspots/sunspots.csv").decode()
    (_, *rows) = csv.reader(io.StringIO(text))
    series = [(int(float(year)), float(number)) for year, number in rows]
    assert [year for year, _ in series] == list(range(1700, 2009))

    header = ["year", *(f"lag{i}" for i in range(WINDOW, 0, -1)), "sunspots"]
    table = []
    for i in range(WINDOW, len(series)):
        numbers = [number for _, number in series[i - WINDOW : i + 1]]
        table.append([series[i][0], *(f"{n:g}" for n in numbers)])
    write("sunspots_train.csv", header, [row for row in table if row[0] < FIRST_TEST_YEAR])
    test = [row for row in table if row[0] >= FIRST_TEST_YEAR]
    write("sunspots_test.csv", header, test)

    for name, lag in [("the year before", 1), ("11 years before", 11)]:
        errors = [float(row[-1]) - float(row[-1 - lag]) for row in test]
        rmse = math.sqrt(sum(e * e for e in errors) / len(errors))
        mae = sum(abs(e) for e in errors) / len(errors)
        print(f"as in {name}: rmse {rmse:.2f}, mae {mae:.2f}")


def write(name, header, rows):
    with open(HERE / name, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    print(f"{name}: {len(rows)} rows of {len(header)} columns")


if __name__ == "__main__":
    main(*sys.argv[1:])
