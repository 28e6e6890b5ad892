CREATE TABLE gate_runs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL,             -- the checklist's
    started BIGINT NOT NULL,        -- milliseconds since 1970
    duration BIGINT NOT NULL,       -- milliseconds
    gate TEXT NOT NULL,             -- the version of gate
    checklist TEXT NOT NULL,        -- SHA-256 of the checklist's file
    subject TEXT,
    commit_id TEXT,
    host TEXT,
    user_name TEXT,
    ci TEXT,                        -- a link to the job
    partial TEXT,                   -- why not everything was run
    interrupted TEXT,               -- what ended it early
    verdict TEXT NOT NULL,          -- ready, not-ready, unknown
    green BIGINT NOT NULL,
    total BIGINT NOT NULL,
    states TEXT NOT NULL,           -- JSON: id, status and flaky of each item
    digest TEXT NOT NULL,           -- SHA-256 of the document
    document BYTEA NOT NULL         -- the whole run: JSON, as a zlib stream
);
CREATE INDEX gate_runs_by_name ON gate_runs (name, id);
