//! Every integration test: one binary, so that it links once.

#[allow(dead_code, unused_imports, reason = "what the tests may use, whether or not one does today")]
mod harness;

mod alembic;
mod alertmanager;
mod bad_checklist;
mod bad_reference;
mod bad_value;
mod burst;
mod cli;
mod command;
mod demo;
mod docs;
mod env;
mod file;
mod flow;
mod gap;
mod git;
mod github;
mod grafana;
mod harness_test;
mod http;
mod http_hostile;
mod import;
mod junit;
mod k6;
mod kill;
mod ledger;
mod look;
mod markdown;
mod metrics;
mod order;
mod prometheus;
mod race;
mod readme;
mod redis;
mod secret;
mod sign;
mod signal;
mod sql;
mod sql_error;
mod sql_value;
mod stock;
mod structure;
mod tcp;
mod workflow;
