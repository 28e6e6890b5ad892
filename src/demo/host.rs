//! The host of the demo: the programs that the probes of its firewall and backups run.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::writer;

use super::part::Broken;

/// Writes them into a folder, which it gives. In front of all others in `PATH`, they are the ones that are run.
///
/// # Errors
/// When it can't be written.
pub fn write(folder: &Path, broken: &Broken) -> io::Result<PathBuf> {
    let programs = folder.join("host");
    fs::create_dir_all(&programs)?;
    let extra = if broken.is("nftables") { vec![rule(8080)] } else { Vec::new() };
    let (boot, live) = (rules(&[rule(22), rule(443)]), rules(&[vec![rule(22), rule(443)], extra].concat()));
    // The rules to load are those that `unshare` prints.
    let nft = format!(
        "#!/bin/sh\n[ \"$1\" = -f ] && exit\nif [ -n \"$GATE_DEMO_BOOT\" ]; then\n  echo '{boot}'\nelse\n  echo '{live}'\nfi\n"
    );
    let unshare = "#!/bin/sh\nshift\nGATE_DEMO_BOOT=1 exec \"$@\"\n";
    for (name, text) in [
        ("nft", nft.as_str()),
        ("unshare", unshare),
        ("pg_restore", "#!/bin/sh\n[ \"$1\" != --list ] || echo '1; 1259 16386 TABLE public aos_traces aos'\n"),
        ("systemctl", "#!/bin/sh\n[ \"$1\" != is-enabled ] || echo enabled\n"),
    ] {
        writer::create(&programs.join(name), text)?;
        fs::set_permissions(programs.join(name), Permissions::from_mode(0o755))?;
    }
    writer::create(&folder.join("nftables.conf"), "# The rules of the demo's host are in host/nft.\n")?;
    Ok(programs)
}

fn rules(rules: &[Value]) -> Value {
    let table = json!({ "table": { "family": "inet", "name": "filter", "handle": 1 } });
    let chain = json!({ "chain": { "family": "inet", "table": "filter", "name": "input", "handle": 2, "type": "filter",
        "hook": "input", "prio": 0, "policy": "drop" } });
    let all = [[table, chain].as_slice(), rules].concat();
    json!({ "nftables": all })
}

fn rule(port: u16) -> Value {
    let left = json!({ "payload": { "protocol": "tcp", "field": "dport" } });
    json!({ "rule": { "family": "inet", "table": "filter", "chain": "input", "handle": port,
        "expr": [{ "match": { "op": "==", "left": left, "right": port } }, { "accept": null }] } })
}
