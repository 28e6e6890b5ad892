//! `nftables`: are the firewall's rules those that a reboot would load?

mod ruleset;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::child::{self, Finished};
use crate::text::error;
use crate::text::shell::quoted;

use super::{Context, Fault, Probe};
use crate::client::ssh::{Host, RemoteOutcome};

use ruleset::Ruleset;

/// One POSIX shell script, so that everything is read at one moment.
const SCRIPT: &str = include_str!("rules.sh");

/// The largest ruleset that is read.
const MAX_OUTPUT: usize = 32 << 20;

/// Compares the firewall rules of this machine with those that its boot file would load. The file is loaded in a
/// separate network namespace: the rules of the machine are never touched. It needs root, `nft` and `unshare`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nftables {
    /// The machine whose rules are compared, such as `ssh://root@web-1.staging.example`. Default: this machine. gate
    /// connects with your own `ssh`, its configuration and keys, and never prompts.
    on: Option<Host>,
    /// The file that is loaded at boot. Default: `/etc/nftables.conf`; `/etc/sysconfig/nftables.conf` on Fedora and RHEL.
    #[serde(default = "default_boot_file")]
    boot_file: PathBuf,
    /// The systemd service that loads it. Default: `nftables`.
    #[serde(default = "default_service")]
    service: String,
    /// Tables that other programs create at run time, such as `["ip nat"]`: they are neither compared nor counted.
    #[serde(default)]
    ignore: Vec<String>,
}

/// The current rules of this machine, compared with its boot file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NftablesSeen {
    /// The current tables, such as `inet filter`.
    pub tables: Vec<String>,
    /// Number of current rules, in all chains.
    pub rules: usize,
    /// Whether the boot file would load exactly the current rules. Handles, counters, comments and elements that expire
    /// don't count.
    pub persistent: bool,
    /// The rules that the boot file would load and the machine does not have now, each as one line.
    pub missing: Vec<String>,
    /// The rules that the machine has now and a reboot would lose, each as one line.
    pub extra: Vec<String>,
    /// Whether the boot file exists.
    pub boot_file_exists: bool,
    /// Number of rules that the boot file would load.
    pub boot_rules: usize,
    /// State of the service in systemd: `enabled`, `disabled`, `masked`, `not-found`, …; `other-file` if it is enabled
    /// but does not name the boot file; `no-systemctl` if the machine has no systemd.
    pub service: String,
}

impl Probe for Nftables {
    const KIND: &'static str = "nftables";
    const EXPECT: &'static str = "{ rules: { at_least: 1 }, persistent: true, service: enabled }";
    const EXAMPLE: &'static str = r#"nftables: { boot_file: /etc/nftables.conf }
expect: { tables: { contains: inet filter } }
"#;
    type Observation = NftablesSeen;

    async fn observe(&self, cx: &Context) -> Result<NftablesSeen, Fault> {
        let ended = match &self.on {
            Some(host) => {
                let arguments = [self.boot_file.display().to_string(), self.service.clone()].map(|word| quoted(&word));
                match host.run(cx, &format!("set -- {}\n{SCRIPT}", arguments.join(" ")), MAX_OUTPUT).await? {
                    RemoteOutcome::Ended(ended) => ended,
                    RemoteOutcome::Refused(why) => return Err(Fault::new(why)),
                }
            }
            None => {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", SCRIPT, "sh"]).arg(cx.path(&self.boot_file)).arg(&self.service);
                command.current_dir("/").env_clear().env("PATH", cx.env.var("PATH").unwrap_or_default());
                let ended = child::run(command, None, MAX_OUTPUT).await;
                ended.map_err(|error| Fault::new(format!("the shell could not be run: {}", error::os(&error))))?
            }
        };
        self.seen(&ended)
    }

    fn evidence(&self, seen: &NftablesSeen) -> String {
        let rules = if seen.rules == 1 { "1 rule".to_owned() } else { format!("{} rules", seen.rules) };
        let boot = match (seen.boot_file_exists, seen.persistent) {
            (false, _) => "no boot file",
            (true, true) => "as at boot",
            (true, false) => "not as at boot",
        };
        format!("{rules}, {boot}, service {}", seen.service)
    }

    fn advice(&self, seen: &NftablesSeen) -> Option<String> {
        let (file, service) = (self.boot_file.display(), &self.service);
        if !seen.boot_file_exists {
            return Some(format!(
                "`{file}` does not exist: after a reboot there would be no rules; `boot_file` names another"
            ));
        }
        if seen.rules == 0 && seen.boot_rules > 0 {
            return Some(format!("nothing is filtered now: `systemctl restart {service}` loads `{file}`"));
        }
        if seen.rules == 0 {
            return Some(format!("nothing is filtered, and `{file}` has no rules"));
        }
        if let Some(first) = seen.extra.first() {
            return Some(format!("a reboot would lose {} ({first}): write it into `{file}`", count(seen.extra.len())));
        }
        if let Some(first) = seen.missing.first() {
            return Some(format!(
                "`{file}` has {} that is not there now ({first}): load it",
                count(seen.missing.len())
            ));
        }
        match seen.service.as_str() {
            "enabled" => None,
            "no-systemctl" => Some(
                "no systemd here: something else has to load the file; set `expect` to what this machine has"
                    .to_owned(),
            ),
            "other-file" => Some(format!(
                "the service is enabled, but starts something that does not name `{file}`: see `systemctl cat {service}`"
            )),
            state => Some(format!("the service is {state}: `systemctl enable {service}` loads `{file}` at boot")),
        }
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Some(["nft", "list", "ruleset"].map(str::to_owned).to_vec())
    }

    fn on(&self) -> Option<&Host> {
        self.on.as_ref()
    }
}

impl Nftables {
    fn seen(&self, ended: &Finished) -> Result<NftablesSeen, Fault> {
        if ended.stdout.truncated {
            return Err(Fault::new("the rules are more than 32 MiB"));
        }
        let output = String::from_utf8_lossy(&ended.stdout.bytes);
        let said: HashMap<&str, &str> = output.lines().filter_map(|line| line.split_once(' ')).collect();
        let file = self.boot_file.display();
        if said.contains_key("no-nft") {
            return Err(Fault::new("`nft` is not installed here").help("install the package nftables"));
        }
        if let Some(error) = said.get("live-error") {
            return Err(Fault::new(format!("nft has no permission to list the rules: {}", error.trim()))
                .help("run gate as root, or with the capability CAP_NET_ADMIN"));
        }
        let (Some(live), Some(service)) = (said.get("live"), said.get("service")) else {
            let error = String::from_utf8_lossy(&ended.stderr.bytes);
            let error = error.lines().next().unwrap_or("it said nothing").to_owned();
            return Err(Fault::new(format!("reading the rules failed: {error}")));
        };
        let live = self.read(live)?;
        if live.tables.is_empty() && said.get("users").is_none_or(|users| !is_whole_machine(users)) {
            return Err(Fault::new("nft shows no rules, but here it can't see those of the machine")
                .help("this is a user namespace, as in a rootless container: run gate as root on the machine itself"));
        }
        if let Some(error) = said.get("own-error") {
            return Err(Fault::new(format!("no network namespace to load `{file}` in: {}", error.trim()))
                .help("run gate as root, with util-linux installed"));
        }
        if let Some(error) = said.get("file-error") {
            return Err(Fault::new(format!("`{file}` can't be loaded: {}", error.trim()))
                .help(format!("`nft -c -f {file}` shows the line; after a reboot there would be no rules")));
        }
        let boot_file_exists = !said.contains_key("no-file");
        let boot = match said.get("boot") {
            Some(boot) => self.read(boot)?,
            None if !boot_file_exists => Ruleset::default(),
            None => return Err(Fault::new(format!("loading `{file}` broke off"))),
        };
        let (missing, extra) = (boot.without(&live), live.without(&boot));
        Ok(NftablesSeen {
            rules: live.rules,
            persistent: boot_file_exists && missing.is_empty() && extra.is_empty(),
            missing,
            extra,
            boot_file_exists,
            boot_rules: boot.rules,
            service: self.state(service, said.get("starts").copied().unwrap_or_default()),
            tables: live.tables.into_iter().collect(),
        })
    }

    /// The state of the service at boot, from its state and start command in systemd.
    fn state(&self, state: &str, starts: &str) -> String {
        let file = self.boot_file.display().to_string();
        let is_elsewhere = state == "enabled" && starts.starts_with("ExecStart=") && !starts.contains(&file);
        if is_elsewhere { "other-file".to_owned() } else { state.to_owned() }
    }

    fn read(&self, json: &str) -> Result<Ruleset, Fault> {
        Ruleset::read(json, &self.ignore)
            .map_err(|why| Fault::new(format!("nft printed no ruleset: {why}")).help("is it nftables 0.9 or later?"))
    }
}

/// Whether `/proc/self/uid_map` is the one of a machine, and not of a user namespace.
fn is_whole_machine(users: &str) -> bool {
    users.split_whitespace().eq(["0", "0", "4294967295"])
}

fn count(number: usize) -> String {
    if number == 1 { "1 part".to_owned() } else { format!("{number} parts") }
}

fn default_boot_file() -> PathBuf {
    Path::new("/etc/nftables.conf").to_owned()
}

fn default_service() -> String {
    "nftables".to_owned()
}
