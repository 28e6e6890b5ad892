//! Statements that differ between SQLite and PostgreSQL.

/// The statements of one database that differ from the other's.
#[derive(Debug)]
pub struct Dialect {
    /// Begins a transaction that reads.
    pub read: &'static str,
    /// Begins a transaction that writes, and keeps others from writing until it ends.
    pub write: &'static str,
    /// Drops the prepared statements that another client has left on a pooler's server.
    pub forget: &'static str,
    /// Counts the tables of this name.
    pub has_table: &'static str,
    /// The migrations, in order: their names and statements.
    pub migrations: [(&'static str, &'static str); 3],
}

/// SQLite.
pub static SQLITE: Dialect = Dialect {
    read: "BEGIN",
    write: "BEGIN IMMEDIATE",
    forget: "SELECT 1",
    has_table: "SELECT count(*) FROM sqlite_master WHERE name = $1",
    migrations: [
        ("runs", include_str!("migrations/sqlite/1_runs.sql")),
        ("facts", include_str!("migrations/sqlite/2_facts.sql")),
        ("project", include_str!("migrations/sqlite/3_project.sql")),
    ],
};

/// PostgreSQL. The tables are in the schema `gate`, or where the role keeps its own. A pooler refuses startup options, so
/// that the search path is set in each transaction. The number of the lock is used for nothing else.
pub static POSTGRES: Dialect = Dialect {
    read: "BEGIN; SELECT set_config('search_path', concat_ws(', ', 'gate', \
           nullif(current_setting('search_path'), '')), true)",
    write: "BEGIN; SELECT set_config('search_path', concat_ws(', ', 'gate', \
            nullif(current_setting('search_path'), '')), true); SELECT pg_advisory_xact_lock(7305241680219)",
    forget: "DEALLOCATE ALL",
    has_table: "SELECT count(*) FROM pg_class WHERE oid = to_regclass($1)",
    migrations: [
        ("runs", include_str!("migrations/postgres/1_runs.sql")),
        ("facts", include_str!("migrations/postgres/2_facts.sql")),
        ("project", include_str!("migrations/postgres/3_project.sql")),
    ],
};

/// Moves older tables into the schema `gate`; does nothing if they are there already, or there are none.
pub const MOVE_TABLES: &str = "
DO $$
DECLARE
    home text := (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.oid = to_regclass('gate_migrations'));
    tab text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'gate') THEN
        CREATE SCHEMA gate;
    END IF;
    IF home <> 'gate' THEN
        FOREACH tab IN ARRAY ARRAY['gate_runs', 'gate_facts', 'gate_migrations'] LOOP
            IF to_regclass(format('%I.%I', home, tab)) IS NOT NULL THEN
                EXECUTE format('ALTER TABLE %I.%I SET SCHEMA gate', home, tab);
            END IF;
        END LOOP;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END $$";

/// The schema that contains the tables, or will.
pub const HOME: &str = "SELECT coalesce((SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n \
                        ON n.oid = c.relnamespace WHERE c.oid = to_regclass('gate_migrations')), current_schema())";

/// If older tables could not be moved, the migrations find only these.
pub const KEEP_HOME: &str = "SELECT set_config('search_path', quote_ident(n.nspname), true) FROM pg_class c \
                             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass('gate_migrations')";
