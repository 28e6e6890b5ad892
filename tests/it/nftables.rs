//! Firewall rules compared with the boot file, by the real nft in a private network namespace for each test.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use gate::probe::Probe;
use gate::probe::nftables::{Nftables, NftablesSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{directory, missing, program};
use crate::observe::{context, observe_in, probe};

const RULES: &str = "flush ruleset
table inet filter {
  set banned { type ipv4_addr; flags timeout; }
  chain input { type filter hook input priority 0; policy drop;
    iif lo accept
    tcp dport { 22, 80 } counter accept comment \"web\"
  }
}
";

/// A private machine, as far as rules go: this thread and its children have a network namespace of their own.
pub struct Machine {
    /// The folder of its boot file, `boot.nft`, and its `systemctl`.
    pub folder: PathBuf,
    /// The `PATH` with that `systemctl`.
    pub path: String,
}

impl Machine {
    /// A machine that would load these rules at boot, and has none yet.
    pub fn new(rules: &str) -> Machine {
        for needed in ["nft", "unshare"] {
            program(needed);
        }
        // SAFETY: it changes only the network that this thread sees.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            missing("this user may not make a network namespace");
        }
        let folder = directory("nftables");
        fs::write(folder.join("boot.nft"), rules).expect("the folder is writable");
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("there is a PATH"));
        let machine = Machine { folder, path };
        machine.systemctl("enabled");
        machine
    }

    /// Sets the output of systemd about its service.
    pub fn systemctl(&self, state: &str) {
        let file = self.folder.join("systemctl");
        fs::write(&file, format!("#!/bin/sh\n[ \"$*\" = 'is-enabled nftables' ] && echo {state}\n"))
            .expect("the folder is writable");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("the file is writable");
    }

    /// Runs `nft` on it.
    pub fn nft(&self, arguments: &[&str]) {
        let done = Command::new(program("nft")).args(arguments).current_dir(&self.folder).output().expect("nft starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn try_with(&self, settings: Value) -> Result<NftablesSeen, String> {
        observe_in::<Nftables>(&context(&self.folder, &[("PATH", &self.path)]), settings)
            .map_err(|error| error.replace(&self.folder.display().to_string(), "FOLDER"))
    }

    fn see(&self) -> NftablesSeen {
        self.try_with(json!({ "boot_file": "boot.nft" })).expect("it can be observed")
    }
}

fn reported(seen: &NftablesSeen) -> String {
    let probe: Nftables = probe(json!({ "boot_file": "boot.nft" }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

#[test]
fn rules_that_a_reboot_would_load_again_are_persistent() {
    let machine = Machine::new(RULES);
    machine.nft(&["-f", "boot.nft"]);
    let seen = machine.see();
    assert_eq!((seen.rules, seen.boot_rules, seen.persistent), (2, 2, true), "{seen:?}");
    assert_eq!(seen.tables, ["inet filter"]);
    assert_snapshot!(reported(&seen), @"2 rules, as at boot, service enabled | ");
    machine.nft(&["insert rule inet filter input drop"]);
    assert!(!machine.see().persistent, "a rule is new");
    machine.nft(&["-f", "boot.nft"]);
    // A ban that expires, other handles and other comments are not differences.
    machine.nft(&["add element inet filter banned { 10.0.0.9 timeout 1h }"]);
    fs::write(machine.folder.join("boot.nft"), RULES.replace("web", "www")).expect("the folder is writable");
    assert!(machine.see().persistent, "{:?}", machine.see());
}

#[test]
fn a_rule_that_a_reboot_would_lose_is_reported() {
    let machine = Machine::new(RULES);
    machine.nft(&["-f", "boot.nft"]);
    machine.nft(&["add rule inet filter input tcp dport 9999 accept"]);
    let seen = machine.see();
    assert_eq!((seen.persistent, seen.extra.len(), seen.missing.len()), (false, 1, 0));
    assert!(seen.extra[0].starts_with("inet filter input: ") && seen.extra[0].contains("9999"), "{:?}", seen.extra);
    assert!(reported(&seen).contains("a reboot would lose 1 part"), "{}", reported(&seen));
}

#[test]
fn no_rules_are_seen_as_none_and_the_boot_file_stays_unloaded() {
    let machine = Machine::new(RULES);
    let seen = machine.see();
    assert_eq!((seen.rules, seen.tables.len(), seen.persistent), (0, 0, false));
    assert_snapshot!(reported(&seen), @"0 rules, not as at boot, service enabled | nothing is filtered now: `systemctl restart nftables` loads `boot.nft`");
    assert_eq!(machine.see().rules, 0, "the observation has loaded nothing");
    fs::write(machine.folder.join("boot.nft"), "flush ruleset\n").expect("the folder is writable");
    let seen = machine.see();
    assert_eq!((seen.rules, seen.persistent), (0, true), "two empty rulesets are equal, so `rules` is checked, too");
}

#[test]
fn without_a_boot_file_or_its_service_nothing_is_persistent() {
    let machine = Machine::new(RULES);
    machine.nft(&["-f", "boot.nft"]);
    machine.systemctl("disabled");
    let seen = machine.see();
    assert_snapshot!(reported(&seen), @"2 rules, as at boot, service disabled | the service is disabled: `systemctl enable nftables` loads `boot.nft` at boot");
    fs::remove_file(machine.folder.join("boot.nft")).expect("it was made above");
    let seen = machine.see();
    assert_eq!((seen.boot_file_exists, seen.persistent), (false, false));
    assert_snapshot!(reported(&seen), @"2 rules, no boot file, service disabled | `boot.nft` does not exist: after a reboot there would be no rules; `boot_file` names another");
}

#[test]
fn a_missing_systemd_is_reported() {
    let mut machine = Machine::new(RULES);
    machine.nft(&["-f", "boot.nft"]);
    fs::remove_file(machine.folder.join("systemctl")).expect("it was made above");
    for name in ["sh", "nft", "unshare", "tr", "cut", "sed"] {
        symlink(program(name), machine.folder.join(name)).expect("the name is free");
    }
    machine.path = machine.folder.display().to_string();
    assert_eq!(machine.see().service, "no-systemctl");
}

#[test]
fn tables_of_other_programs_can_be_left_out() {
    let machine = Machine::new(RULES);
    machine.nft(&["-f", "boot.nft"]);
    machine.nft(&["add table ip docker"]);
    machine.nft(&["add chain ip docker nat"]);
    assert_eq!(machine.see().extra.len(), 2);
    let seen = machine.try_with(json!({ "boot_file": "boot.nft", "ignore": ["ip docker"] })).expect("it is seen");
    assert!(seen.persistent && seen.tables == ["inet filter"], "{seen:?}");
}

#[test]
fn a_boot_file_that_cannot_be_loaded_is_reported_with_its_position() {
    let machine = Machine::new("table inet filter {\n  chain input { frobnicate }\n}\n");
    let error = machine.try_with(json!({ "boot_file": "boot.nft" })).expect_err("it is wrong");
    assert!(error.starts_with("`boot.nft` can't be loaded: FOLDER/boot.nft:2:"), "{error}");
}

#[test]
fn an_empty_ruleset_in_a_user_namespace_proves_nothing() {
    let machine = Machine::new(RULES);
    // Here nft exits with 0 and an empty ruleset, although it could not read anything.
    let gate = |user: &[&str]| {
        let output = Command::new(program("unshare"))
            .args(user)
            .args([env!("CARGO_BIN_EXE_gate"), "probe", "nftables", "boot_file=boot.nft"])
            .current_dir(&machine.folder)
            .output();
        let output = output.expect("unshare starts");
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
    };
    let said = gate(&["--user", "--map-root-user", "--net"]);
    assert!(said.contains("here it can't see those of the machine"), "{said}");
    let said = gate(&["--user", "--map-root-user"]);
    assert!(said.contains("nft has no permission to list the rules"), "{said}");
}

#[test]
fn an_enabled_service_that_loads_another_file_is_reported() {
    let machine = Machine::new(RULES);
    machine.nft(&["-f", "boot.nft"]);
    let script = |starts: &str| {
        let text = format!("#!/bin/sh\ncase $1 in is-enabled) echo enabled ;; show) echo '{starts}' ;; esac\n");
        fs::write(machine.folder.join("systemctl"), text).expect("the folder is writable");
    };
    script(&format!(
        "ExecStart={{ path=/usr/sbin/nft ; argv[]=/usr/sbin/nft -f {}/boot.nft ; }}",
        machine.folder.display()
    ));
    assert_eq!(machine.see().service, "enabled");
    script("ExecStart={ path=/usr/sbin/nft ; argv[]=/usr/sbin/nft -f /etc/other.nft ; }");
    let seen = machine.see();
    assert_eq!((seen.service.as_str(), seen.persistent), ("other-file", true));
    assert!(
        reported(&seen).contains("starts something that does not name `boot.nft`: see `systemctl cat nftables`"),
        "{}",
        reported(&seen)
    );
}
