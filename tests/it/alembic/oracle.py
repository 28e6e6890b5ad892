"""Makes random histories and databases in a folder, and says what alembic itself does with each.

Usage: oracle.py FOLDER SEEDS. Prints one JSON document per database.
"""

import io
import json
import random
import shutil
import sqlite3
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config

ENV = """
from alembic import context
from sqlalchemy import create_engine

applied = context.config.attributes["applied"]
with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(
        connection=connection,
        on_version_apply=lambda step, **rest: applied.extend(step.up_revision_ids),
    )
    with context.begin_transaction():
        context.run_migrations()
"""


def literal(rng, values):
    """The values, in one of the ways in which people write them."""
    quote = rng.choice(["'", '"'])
    quoted = [f"{quote}{value}{quote}" for value in values]
    if not values:
        return rng.choice(["None", "()", "(None)"])
    if len(values) == 1:
        value = values[0]
        return rng.choice([quoted[0], f"({quoted[0]},)", f"[{quoted[0]}]", f"({value[:2]!r}\n    {value[2:]!r})"])
    return rng.choice(["({})", "[{}]", "(\n    {},  # more\n)"]).format(", ".join(quoted))


def history(rng, folder):
    """Writes a random history, and gives its ids."""
    versions = folder / "versions"
    versions.mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n")
    ids, labels, heads = [], {}, set()
    for number in range(rng.randint(1, 12)):
        id_ = f"r{number:03}{rng.randrange(16**4):04x}"
        shape = rng.random()
        if not ids or shape < 0.15:
            down = []
        elif shape < 0.30 and len(heads) > 1:
            down = rng.sample(sorted(heads), 2)
        elif shape < 0.45:
            down = [rng.choice(ids)]
        else:
            down = [rng.choice(sorted(heads))]
        others = [other for other in ids if other not in down]
        depends = rng.sample(others, min(len(others), rng.choice([1, 1, 2]))) if rng.random() < 0.3 else []
        depends = [labels[other] if other in labels and rng.random() < 0.5 else other for other in depends]
        own = [f"label{number}"] if rng.random() < 0.15 else []
        if own:
            labels[id_] = own[0]
        typed = rng.choice(["", ": str", ": Union[str, None]"])
        text = f"from typing import Union\n\nrevision{typed} = '{id_}'\ndown_revision{typed} = {literal(rng, down)}\n"
        if own or rng.random() < 0.7:
            text += f"branch_labels = {literal(rng, own)}\n"
        if depends or rng.random() < 0.7:
            text += f"depends_on = {literal(rng, depends)}\n"
        text += "\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"
        (versions / f"{rng.randrange(1000):03}_{id_}.py").write_text(text)
        ids.append(id_)
        heads = (heads - set(down)) | {id_}
    return ids


def run(folder, database, step, *arguments):
    """Runs one command of alembic, and gives what it applied, or None where it failed."""
    config = Config(folder / "alembic.ini", stdout=io.StringIO())
    config.set_main_option("sqlalchemy.url", f"sqlite:///{database}")
    config.attributes["applied"] = []
    try:
        step(config, *arguments)
    except (Exception, SystemExit) as error:
        return None, f"{type(error).__name__}: {error}"
    return config.attributes["applied"], config.stdout.getvalue()


def rows(database):
    connection = sqlite3.connect(database)
    try:
        return [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


def write(database, ids):
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.executemany("INSERT INTO alembic_version VALUES (?)", [(id_,) for id_ in ids])
    connection.commit()
    connection.close()


def databases(rng, folder, ids):
    """Databases as alembic leaves them, and some that somebody meddled with."""
    for number in range(8):
        database = folder / f"{number}.db"
        if number < 5:
            for _ in range(rng.randint(0, 2)):
                run(folder, database, command.upgrade, rng.choice(ids))
            if rng.random() < 0.3:
                run(folder, database, command.upgrade, "heads")
            if rng.random() < 0.3:
                run(folder, database, command.downgrade, rng.choice(ids))
            database.touch()
        else:
            write(database, rng.sample(ids + ["unknown"], rng.randint(0, min(3, len(ids)))))
        yield database


def main():
    root = Path(sys.argv[1])
    for seed in range(int(sys.argv[2])):
        rng = random.Random(seed)
        folder = root / str(seed)
        ids = history(rng, folder)
        listed, said = run(folder, "none", command.heads)
        if listed is None:
            print(json.dumps({"folder": str(seed), "refused": said}))
            continue
        heads = sorted(line.split(" ")[0] for line in said.splitlines())
        for database in databases(rng, folder, ids):
            copy = database.with_suffix(".upgraded")
            shutil.copy(database, copy)
            applied, said = run(folder, copy, command.upgrade, "heads")
            print(json.dumps({
                "folder": str(seed),
                "database": str(database),
                "rows": sorted(rows(database)),
                "heads": heads,
                "applied": applied,
                "said": said,
            }))


main()
