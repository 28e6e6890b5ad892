//! Reading revision files, line by line.

use insta::assert_snapshot;

use super::*;

/// Reads a file called `versions/x_1.py`, and shows the result on one line.
fn said(source: &str) -> String {
    match read("versions/x_1.py", source.as_bytes()) {
        Ok(Revision { id, down, depends_on, labels, .. }) => {
            let named = |name: &str, values: &[String]| {
                if values.is_empty() { String::new() } else { format!(" {name} {}", values.join(", ")) }
            };
            let [down, depends_on] = [named("follows", &down), named("depends on", &depends_on)];
            format!("{id}{down}{depends_on}{}", named("labelled", &labels))
        }
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn the_file_that_alembic_generates_is_read() {
    assert_snapshot!(said(r#""""empty message

Revision ID: 27c6a30d7c24
Revises: None

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa

# revision identifiers, used by Alembic.
revision: str = '27c6a30d7c24'
down_revision: Union[str, Sequence[str], None] = '1975ea83b712'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    revision = "not this one"
    op.execute(f"select {revision}")
"#), @"27c6a30d7c24 follows 1975ea83b712");
}

#[test]
fn every_way_to_write_a_literal_is_understood() {
    for (down_revision, expected) in [
        ("None", "b"),
        ("()", "b"),
        ("'a'", "b follows a"),
        ("\"\"\"a\"\"\"", "b follows a"),
        ("('a')", "b follows a"),
        ("('a',)", "b follows a"),
        ("'a', 'c'", "b follows a, c"),
        ("['a', \"c\"]", "b follows a, c"),
        ("(\n    'a',  # first\n    'c',\n)", "b follows a, c"),
        ("'a' 'c'", "b follows ac"),
        ("('a'\n  # joined\n  'c')", "b follows ac"),
        ("'a' + 'c'", "b follows ac"),
        ("r'a'", "b follows a"),
        ("u'a'", "b follows a"),
        ("f'a'", "b follows a"),
        (r"'\x61\u0063'", "b follows ac"),
        ("'a' \\\n  'c'", "b follows ac"),
    ] {
        assert_eq!(said(&format!("revision = 'b'\ndown_revision = {down_revision}\n")), expected, "{down_revision}");
    }
}

#[test]
fn labels_and_dependencies_are_read() {
    assert_snapshot!(
        said("revision = 'b'\ndown_revision = None\nbranch_labels = ('shop', 'web')\ndepends_on = 'a'\n"),
        @"b depends on a labelled shop, web"
    );
}

#[test]
fn the_last_assignment_counts() {
    assert_snapshot!(said("revision = 'a'\nrevision = other = 'b'; down_revision = None\n"), @"b");
}

#[test]
fn a_value_that_is_known_only_at_run_time_is_not_guessed() {
    for before_or_after in [
        "down_revision = previous()",
        "down_revision = PREVIOUS",
        "down_revision = f'{PREVIOUS}'",
        "down_revision = 'a' if NEW else 'c'",
        "down_revision = ('a', *MORE)",
        "down_revision = b'a'",
        "down_revision = 7",
        "down_revision += 'c'",
        "down_revision, other = 'a', 'c'",
        "if NEW:\n    down_revision = 'a'",
        "try:\n    down_revision = 'a'\nexcept ImportError:\n    pass",
        "for down_revision in 'abc':\n    pass",
        "with open('x') as down_revision:\n    pass",
        "from elsewhere import down_revision",
        "from elsewhere import previous as down_revision",
        "from elsewhere import *",
        "import down_revision",
        "def down_revision():\n    pass",
        "class down_revision:\n    pass",
        "print(down_revision := 'a')",
        "del down_revision",
        "def later():\n    global down_revision\n    down_revision = 'a'",
    ] {
        let said = said(&format!("down_revision = None\n{before_or_after}\nrevision = 'b'\n"));
        assert!(said.starts_with("cannot determine `down_revision` of `versions/x_1.py`: line "), "{said}");
    }
}

#[test]
fn the_line_that_computes_a_value_is_named() {
    assert_snapshot!(
        said("revision = 'b'\ndown_revision = None\nif True:\n    down_revision = 'a'\n"),
        @"cannot determine `down_revision` of `versions/x_1.py`: line 4 sets it to a value that is known only when the file runs"
    );
}

#[test]
fn the_same_names_elsewhere_mean_nothing() {
    for harmless in [
        "print(revision, op.down_revision)",
        "op.create_table('x', revision='7')",
        "from down_revision import x",
        "class Table:\n    revision = Column(String)",
        "lambda revision: revision",
        "[revision for revision in 'abc']",
        "# revision = 'c'",
        "text = '''\nrevision = 'c'\n'''",
        "revision: str",
        "from sqlalchemy import *",
    ] {
        assert_eq!(said(&format!("down_revision = None\nrevision = 'b'\n{harmless}\n")), "b", "{harmless}");
    }
}

/// Each shape is one that a recursive walk would take one call a level for, on a stack as small as a worker's.
#[test]
fn however_deep_python_nests_it_ends_no_run() {
    const DEEP: usize = 20_000;
    let nested = |open: &str, close: &str| format!("x = {}1{}", open.repeat(DEEP), close.repeat(DEEP));
    for (shape, deep) in [
        ("additions", format!("op.execute({}'b')", "'a' + ".repeat(DEEP))),
        ("calls of calls", format!("x = f{}", "()".repeat(DEEP))),
        ("a chain of methods", format!("x = sa.table(){}", ".where(y)".repeat(DEEP))),
        ("subscripts", format!("x = y{}", "[0]".repeat(DEEP))),
        ("attributes", format!("x = y{}", ".z".repeat(DEEP))),
        ("parentheses", nested("(", ")")),
        ("lists", nested("[", "]")),
        ("tuples", nested("(", ",)")),
        ("maps", nested("{1: ", "}")),
        ("signs", format!("x = {}1", "-".repeat(DEEP))),
        ("negations", format!("x = {}y", "not ".repeat(DEEP))),
        ("conditions", format!("x = {}1", "1 if y else ".repeat(DEEP))),
        ("comparisons", format!("x = 1{}", " < 2".repeat(DEEP))),
        ("lambdas", format!("x = {}1", "lambda: ".repeat(DEEP))),
        ("assignments", format!("{}1", "x = ".repeat(DEEP))),
        ("branches", format!("if y: pass\n{}", "elif y: pass\n".repeat(DEEP))),
        ("joined strings", format!("x = {}'b'", "'a' ".repeat(DEEP))),
        ("operators", format!("x = 1{}", " and 2".repeat(DEEP))),
    ] {
        assert_eq!(said(&format!("revision = 'b'\ndown_revision = None\n{deep}\n")), "b", "{shape}");
        let hidden = format!("revision = 'b'\ndown_revision = None\n{deep}\nif y: down_revision = 'a'\n");
        assert!(said(&hidden).starts_with("cannot determine `down_revision`"), "{shape}");
    }
    let long =
        format!("revision = {}'b'\ndown_revision = ({}'a'{})", "'a' + ".repeat(3), "(".repeat(DEEP), ")".repeat(DEEP));
    assert_eq!(said(&long), "aaab follows a");
    let cut_short = said(&format!("revision = 'b'\nx = {}", "(".repeat(DEEP)));
    assert!(cut_short.starts_with("cannot determine `revision`"), "{cut_short}");
}

#[test]
fn revisions_that_alembic_refuses_are_refused() {
    assert_snapshot!(said("print('hello')\n"), @"`versions/x_1.py` sets no `revision`, and alembic refuses such a file");
    assert_snapshot!(said("revision = 'b'\n"), @"`versions/x_1.py` sets no `down_revision`, and alembic refuses such a file");
    assert_snapshot!(said("revision = 'a-b'\ndown_revision = None\n"), @"`-` is not allowed in the revision id `a-b` in `versions/x_1.py`");
    assert_snapshot!(said("revision = None\ndown_revision = None\n"), @"`revision` in `versions/x_1.py` is not a string");
    assert_snapshot!(said("revision = 'b\ndown_revision = None\n"), @"cannot determine `revision` of `versions/x_1.py`: line 1 is not valid Python");
}

#[test]
fn an_old_file_is_known_by_its_name() {
    let read = |file| read(file, b"down_revision = None\n").map(|revision| revision.id).ok();
    assert_eq!(read("versions/1975ea.py").as_deref(), Some("1975ea"));
    assert_eq!(read("versions/1975ea_x.py"), None);
}
