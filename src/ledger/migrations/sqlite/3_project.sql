ALTER TABLE gate_runs ADD COLUMN project TEXT NOT NULL DEFAULT '';  -- empty until the first run of that name
ALTER TABLE gate_runs ADD COLUMN recorded BIGINT NOT NULL DEFAULT 0; -- milliseconds since 1970, by the ledger's clock
UPDATE gate_runs SET recorded = started;
DROP INDEX gate_runs_by_name;
CREATE INDEX gate_runs_by_project ON gate_runs (project, name, id);
ALTER TABLE gate_facts RENAME TO gate_facts_2;
CREATE TABLE gate_facts (
    project TEXT NOT NULL,
    name TEXT NOT NULL,             -- the checklist's
    facts TEXT NOT NULL,            -- JSON: when each item last passed, and since when it is red
    PRIMARY KEY (project, name)
);
INSERT INTO gate_facts (project, name, facts) SELECT '', name, facts FROM gate_facts_2;
DROP TABLE gate_facts_2;
