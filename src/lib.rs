//! `gate` checks whether an environment is ready.
//!
//! ```text
//! args ─► load ─► plan ─► engine ─► Run ─► ledger ─► report
//! ```
//!
//! A checklist is read from YAML into a positioned tree, so that every problem is reported at the user's own line, all of
//! them at once and before anything runs. The plan orders its items by what they need. The engine observes through
//! probes and judges with expectations. The result is a [`run::Run`]: the ledger stores it, and every report is made
//! from one.
//!
//! The modules are listed in the order of that flow, and each uses only earlier ones (a test enforces this).

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
