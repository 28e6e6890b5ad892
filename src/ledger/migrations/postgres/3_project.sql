ALTER TABLE gate_runs ADD COLUMN project TEXT NOT NULL DEFAULT '';  -- empty until the first run of that name
ALTER TABLE gate_runs ADD COLUMN recorded BIGINT NOT NULL DEFAULT 0; -- milliseconds since 1970, by the ledger's clock
UPDATE gate_runs SET recorded = started;
DROP INDEX gate_runs_by_name;
CREATE INDEX gate_runs_by_project ON gate_runs (project, name, id);
ALTER TABLE gate_facts ADD COLUMN project TEXT NOT NULL DEFAULT '';
ALTER TABLE gate_facts DROP CONSTRAINT gate_facts_pkey;
ALTER TABLE gate_facts ADD PRIMARY KEY (project, name);
