CREATE TABLE gate_facts (
    name TEXT PRIMARY KEY,          -- the checklist's
    facts TEXT NOT NULL             -- JSON: when each item last passed, and since when it is red
);
