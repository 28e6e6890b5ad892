//! Checks of a statement before a database gets it.
//!
//! The read-only transaction is what keeps a reading query from writing. But a few statements run outside of every
//! transaction (`SET GLOBAL`, `VACUUM INTO`, `CALL` of a procedure that commits): these don't begin like a reading one.

use crate::diagnostic::closest;

use super::Dialect;

/// The words with which a reading statement may begin.
const READING: [&str; 9] = ["select", "with", "values", "table", "show", "explain", "describe", "desc", "pragma"];

/// Why this is not a reading statement, if it is not.
pub fn refusal(sql: &str, dialect: Dialect) -> Option<String> {
    if dialect == Dialect::MySql && writes_file(sql) {
        return Some("`INTO OUTFILE` and `INTO DUMPFILE` write a file on the server".to_owned());
    }
    match first_word(sql) {
        word if READING.contains(&word.as_str()) => None,
        word if word.is_empty() => Some("the query has no statement that reads".to_owned()),
        word => Some(format!("`{}` is not a statement that only reads", word.to_uppercase())),
    }
}

/// The help for a refused statement.
pub fn advice(sql: &str) -> String {
    let word = first_word(sql);
    match closest(&word, READING).filter(|meant| *meant != word) {
        Some(meant) => format!("did you mean `{}`?", meant.to_uppercase()),
        None => "if it is meant to change something, set `writes: true`".to_owned(),
    }
}

/// Why this is not a reading statement outside of a transaction, if it is not.
pub fn simple_refusal(sql: &str) -> Option<String> {
    let is_show = first_word(sql) == "show" && !is_several(sql);
    (!is_show).then(|| "with `protocol: simple` only one `SHOW` statement is sure not to write".to_owned())
}

/// Whether it can be a subquery.
pub fn is_query(sql: &str) -> bool {
    ["select", "with", "values", "table"].contains(&&*first_word(sql))
}

fn first_word(sql: &str) -> String {
    let code = skip_blank(skip_blank(sql).trim_start_matches('('));
    code.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase()
}

/// Whether a reading statement of MySQL writes a file. Quotes and comments make no difference: how they end depends on
/// settings of the server.
fn writes_file(sql: &str) -> bool {
    let has = |words: &[&str]| {
        sql.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$'))
            .any(|word| words.iter().any(|known| word.eq_ignore_ascii_case(known)))
    };
    has(&["into"]) && has(&["outfile", "dumpfile"])
}

/// Whether there is something after the first `;`. SQLite's driver runs all of it, and so does a server that gets text;
/// servers refuse to prepare it.
pub fn is_several(sql: &str) -> bool {
    let mut rest = sql;
    let mut is_ended = false;
    loop {
        rest = skip_blank(rest);
        let Some(first) = rest.chars().next() else { return false };
        let close = match first {
            ';' => {
                is_ended = true;
                rest = &rest[1..];
                continue;
            }
            _ if is_ended => return true,
            '\'' | '"' | '`' => first,
            '[' => ']',
            _ => {
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        rest = match rest[1..].find(close) {
            Some(end) => &rest[1 + end + 1..],
            None => return false,
        };
    }
}

/// The text after blanks and comments. `/*!` and `/*M!` are not comments: MySQL and MariaDB execute their contents.
fn skip_blank(mut sql: &str) -> &str {
    loop {
        sql = sql.trim_start();
        let end = if sql.starts_with("--") {
            sql.find('\n').map_or(sql.len(), |end| end + 1)
        } else if sql.starts_with("/*") && !sql.starts_with("/*!") && !sql.starts_with("/*M!") {
            sql.find("*/").map_or(sql.len(), |end| end + 2)
        } else {
            return sql;
        };
        sql = &sql[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_statements_are_allowed() {
        for sql in [
            "SELECT 1",
            "  -- how many?\n select count(*) from t",
            "/* x */ (SELECT 1) UNION (SELECT 2)",
            "WITH a AS (SELECT 1) TABLE a",
            "SHOW server_version",
            "PRAGMA user_version",
        ] {
            assert_eq!(refusal(sql, Dialect::Sqlite), None, "{sql}");
        }
    }

    #[test]
    fn a_file_of_the_server_is_not_written_by_reading() {
        for (sql, is_refused) in [
            ("SELECT 1 INTO OUTFILE '/tmp/x'", true),
            ("SELECT 1\ninto/**/DumpFile\t'/tmp/x'", true),
            ("SELECT '\\'' INTO OUTFILE \"/tmp/x\"", true),
            ("SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */", true),
            ("SELECT 1 INTO @a", false),
            ("SELECT outfile, into_dumpfile FROM exports", false),
        ] {
            assert_eq!(refusal(sql, Dialect::MySql).is_some(), is_refused, "{sql}");
            assert_eq!(refusal(sql, Dialect::Postgres), None, "{sql}");
        }
    }

    #[test]
    fn statements_outside_of_transactions_are_refused_by_their_first_word() {
        insta::assert_snapshot!(refusal("SET GLOBAL max_connections = 1", Dialect::Postgres).unwrap_or_default(),
            @"`SET` is not a statement that only reads");
        insta::assert_snapshot!(refusal("-- SELECT\nCALL p()", Dialect::Postgres).unwrap_or_default(),
            @"`CALL` is not a statement that only reads");
        insta::assert_snapshot!(refusal("/*!50000 COMMIT */", Dialect::Postgres).unwrap_or_default(),
            @"the query has no statement that reads");
        insta::assert_snapshot!(refusal("", Dialect::Postgres).unwrap_or_default(), @"the query has no statement that reads");
    }

    #[test]
    fn a_typo_is_not_taken_for_a_statement_that_writes() {
        for (sql, meant) in [("SELEC 1", "SELECT"), ("selcet 1", "SELECT"), ("WIHT a AS (SELECT 1) SELECT 1", "WITH")] {
            assert_eq!(advice(sql), format!("did you mean `{meant}`?"), "{sql}");
        }
        let writing = [
            "ALTER", "ANALYZE", "BEGIN", "CALL", "COMMIT", "COPY", "CREATE", "DELETE", "DO", "DROP", "EXECUTE",
            "GRANT", "INSERT", "LOCK", "MERGE", "REINDEX", "REPLACE", "REVOKE", "SET", "TRUNCATE", "UPDATE", "USE",
            "VACUUM",
        ];
        for word in writing.into_iter().chain(["SELECT 1 INTO OUTFILE 'x'"]) {
            assert!(advice(word).contains("writes: true"), "{word}: {}", advice(word));
        }
    }

    #[test]
    fn a_second_statement_is_detected_and_a_semicolon_in_a_string_is_not_one() {
        for (sql, expected) in [
            ("SELECT 1", false),
            ("SELECT 1;", false),
            ("SELECT 1; -- that is all\n ;", false),
            ("SELECT 'a;b', \"c;d\", [e;f], `g;h` /* ; x */ -- ; y\n", false),
            ("SELECT 'it''s; fine'", false),
            ("SELECT 1; VACUUM INTO 'copy.db'", true),
            ("SELECT ';'; DELETE FROM t", true),
        ] {
            assert_eq!(is_several(sql), expected, "{sql}");
        }
    }
}
