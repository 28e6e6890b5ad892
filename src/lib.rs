//! `gate` says whether an environment is ready, by looking.
//!
//! ```text
//! args ─► load ─► plan ─► engine ─► Run ─► ledger ─► report
//! ```
//!
//! A checklist is read from YAML into a positioned tree, so that every problem is reported at the user's own line, all of
//! them at once and before anything runs. The plan orders its items by what they need. The engine observes through
//! probes and judges with expectations. What came of it is a [`run::Run`]; the ledger remembers it, and
//! everything that people read is a projection of one.
//!
//! The modules stand in the order of that flow, and each uses only the ones before it (a test holds this).

pub mod text;

pub mod writer;

pub mod reader;

pub mod env;

pub mod dotenv;

pub mod child;

pub mod secret;

pub mod diagnostic;

pub mod yaml;

pub mod run;

pub mod expect;

pub mod client;

pub mod probe;

pub mod checklist;

pub mod sign_off;

pub mod plan;

pub mod engine;

pub mod ledger;

pub mod merge;

pub mod report;

pub mod import;

pub mod init;

pub mod manual;

pub mod demo;

pub mod cli;
