//! `on: ssh://…` against a real sshd: commands, files and the firewall of another machine.

use std::fs;
use std::path::Path;
use std::time::Duration;

use gate::client::Context;
use gate::probe::command::{Command, CommandSeen};
use gate::probe::file::{File, FileSeen};
use gate::probe::nftables::Nftables;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, Project, directory, sshd, sshd_with};
use crate::observe::{context, observe_in, refused};
use crate::stack::real::Host;

/// A context with an `ssh` that knows the machine.
fn near(path: &str) -> Context {
    context(Path::new("/"), &[("PATH", path), ("HOME", "/nonexistent")])
}

fn run(settings: Value) -> Result<CommandSeen, String> {
    with(&near(&sshd().path()), settings)
}

fn with(cx: &Context, mut settings: Value) -> Result<CommandSeen, String> {
    settings["on"] = json!(sshd().url());
    let port = sshd().url().rsplit(':').next().unwrap_or_default().to_owned();
    observe_in::<Command>(cx, settings).map_err(|error| error.replace(&port, "PORT").replace("root@", "USER@"))
}

#[test]
fn a_remote_command_gets_every_argument_unchanged() {
    let odd = "it's $HOME `id` \"quoted\" \\ *\nnext — ü";
    let seen = run(json!({ "argv": ["printf", "%s|", odd, "", "-n"] })).expect("it runs");
    assert_eq!((seen.exit_code, seen.stdout), (Some(0), format!("{odd}||-n|")));
    let seen = run(
        json!({ "shell": "echo out; echo err >&2; pwd; echo \"$NAME\"; cat", "cwd": "/tmp", "env": { "NAME": odd }, "stdin": "in'put\n" }),
    );
    let seen = seen.expect("it runs");
    assert_eq!((seen.stdout, seen.stderr.as_str()), (format!("out\n/tmp\n{odd}\nin'put"), "err"));
    let seen = run(json!({ "argv": ["cat"] })).expect("there is nothing to read, and no waiting");
    assert_eq!((seen.exit_code, seen.stdout.as_str()), (Some(0), ""));
}

#[test]
fn the_exit_of_a_remote_command_is_distinguished_from_that_of_ssh() {
    for code in [0, 1, 126, 254, 255] {
        let seen = run(json!({ "shell": format!("echo said; echo why >&2; exit {code}") })).expect("it runs");
        assert_eq!((seen.exit_code, seen.stdout.as_str(), seen.stderr.as_str()), (Some(code), "said", "why"));
    }
    assert_eq!(run(json!({ "shell": "kill -9 $$" })).expect("it runs").exit_code, Some(137));
    assert_snapshot!(run(json!({ "argv": ["true"], "cwd": "/nowhere" })).expect_err("it can't start"), @"the folder `/nowhere` to run it in does not exist on USER@127.0.0.1:PORT");
    assert_snapshot!(run(json!({ "argv": ["no-such-program"] })).expect_err("it can't start"), @"
    `no-such-program` is not installed on USER@127.0.0.1:PORT, or not in PATH there
    help: install it, or give its whole path
    ");
}

#[test]
fn a_machine_that_refuses_the_login_is_reported_with_help() {
    let other = directory("ssh-other");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(other.join("key"))
        .status();
    assert!(made.expect("it is installed").success());
    let reported = |lines: &str| {
        with(&near(&sshd().path_with(lines)), json!({ "argv": ["true"] })).expect_err("it is not reached")
    };
    fs::write(other.join("none"), "").expect("the folder is writable");
    assert_snapshot!(reported(&format!("UserKnownHostsFile {}/none", other.display())), @"
    ssh did not reach USER@127.0.0.1:PORT: Host key verification failed.
    help: connect once by hand, and compare its key: `ssh -p PORT USER@127.0.0.1`
    ");
    let key = fs::read_to_string(other.join("key.pub")).expect("it was made");
    let port = sshd().url().rsplit(':').next().unwrap_or_default().to_owned();
    fs::write(other.join("wrong"), format!("[127.0.0.1]:{port} {key}")).expect("the folder is writable");
    let changed = reported(&format!("UserKnownHostsFile {}/wrong", other.display()));
    assert!(changed.contains("its key is different from the one that is known"), "{changed}");
    let unwelcome =
        with(&near(&sshd().path_with("PubkeyAuthentication no")), json!({ "argv": ["true"] })).expect_err("no key");
    assert!(unwelcome.contains("Permission denied") && unwelcome.contains("let you in without asking?"), "{unwelcome}");
    let gone = format!("ssh://127.0.0.1:{}", harness::free_port());
    let error = observe_in::<Command>(&near(&sshd().path()), json!({ "on": gone, "argv": ["true"] }))
        .expect_err("the port is closed");
    assert!(error.contains("Connection refused") && error.contains("does sshd listen there"), "{error}");
    let error = observe_in::<Command>(&near("/nowhere"), json!({ "on": gone, "argv": ["true"] })).expect_err("no ssh");
    assert_snapshot!(error, @"
    `ssh` is not installed here, or not in PATH
    help: install the OpenSSH client
    ");
}

#[test]
fn an_account_that_runs_something_else_than_the_command_is_an_error() {
    for (forced, said) in [
        ("echo fine", "did not run the command: fine"),
        ("/usr/sbin/nologin", "did not run the command: This account is currently not available."),
        ("true", "did not run the command: it printed nothing"),
    ] {
        let server = sshd_with(&format!("ForceCommand {forced}"));
        let cx = near(&server.path());
        let error =
            observe_in::<Command>(&cx, json!({ "on": server.url(), "argv": ["true"] })).expect_err("it never ran");
        assert!(error.contains(said) && error.contains("without a login shell"), "{forced}: {error}");
        observe_in::<File>(&cx, json!({ "on": server.url(), "path": "/etc/passwd" }))
            .expect_err("nothing was observed");
    }
}

#[test]
fn the_output_of_a_noisy_login_is_not_output_of_the_command() {
    let server = sshd_with("ForceCommand echo Welcome; echo 'disk is full' >&2; eval \"$SSH_ORIGINAL_COMMAND\"");
    let observe = |shell: &str| {
        observe_in::<Command>(&near(&server.path()), json!({ "on": server.url(), "shell": shell })).expect("it runs")
    };
    let seen = observe("echo out; echo err >&2; exit 3");
    assert_eq!((seen.exit_code, seen.stdout.as_str(), seen.stderr.as_str()), (Some(3), "out", "err"));
    assert_eq!(observe("exit 255").exit_code, Some(255));
    let file = observe_in::<File>(&near(&server.path()), json!({ "on": server.url(), "path": "/etc/hostname" }));
    assert!(file.expect("it exists").exists);
}

#[test]
fn a_remote_program_is_killed_at_the_timeout() {
    let folder = directory("ssh-late");
    let pid = folder.join("pid");
    let cx = near(&sshd().path()).with_timeout(Duration::from_secs(6)); // enough to begin there
    let shell = format!("sh -c 'echo $$ >{}; sleep 600; :' & wait", pid.display());
    let error = with(&cx, json!({ "shell": shell })).expect_err("it takes too long");
    assert!(error.contains("timed out"), "{error}");
    let pid = fs::read_to_string(&pid).expect("it had begun");
    let is_there = || Path::new(&format!("/proc/{}", pid.trim())).exists();
    let begun = std::time::Instant::now();
    while is_there() {
        assert!(begun.elapsed() < Duration::from_secs(20), "process {pid} is left");
        std::thread::yield_now();
    }
}

#[test]
fn no_input_is_visible_in_the_list_of_processes() {
    let shell = "tr '\\0' ' ' </proc/$PPID/cmdline; for p in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$p 2>/dev/null; echo; done | grep -c [s]ecret-value";
    let seen =
        run(json!({ "shell": shell, "env": { "TOKEN": "secret-value" }, "stdin": "secret-value" })).expect("it runs");
    assert!(seen.stdout.trim_end().ends_with('0'), "{}", seen.stdout);
}

fn file(path: &Path) -> Result<(FileSeen, FileSeen), String> {
    let here = observe_in::<File>(&near(&sshd().path()), json!({ "path": path, "max_size": "64KiB" }));
    let there =
        observe_in::<File>(&near(&sshd().path()), json!({ "on": sshd().url(), "path": path, "max_size": "64KiB" }));
    Ok((here?, there?))
}

#[test]
fn a_file_there_is_seen_as_one_here_is() {
    let folder = directory("ssh-file");
    fs::write(folder.join("it's.md"), "# One\n\ntext\n\n## Two\n").expect("the folder is writable");
    fs::write(folder.join("data.json"), "{\"ok\": true}").expect("the folder is writable");
    fs::write(folder.join("empty"), "").expect("the folder is writable");
    fs::write(folder.join("binary"), [0, 255, 10, 0]).expect("the folder is writable");
    fs::write(folder.join("long"), vec![b'x'; 100_000]).expect("the folder is writable");
    std::os::unix::fs::symlink("nowhere", folder.join("broken")).expect("the folder is writable");
    std::os::unix::fs::symlink("data.json", folder.join("link")).expect("the folder is writable");
    for name in ["it's.md", "data.json", "empty", "binary", "long", "broken", "link", "absent", ""] {
        let (here, there) = file(&folder.join(name)).expect("both can be observed");
        let there = FileSeen { age_s: here.age_s, ..there };
        assert_eq!(here, there, "{name}");
    }
}

#[test]
fn the_firewall_of_another_machine_is_compared_there() {
    let host = Host::new();
    let machine = sshd_with(&format!("SetEnv PATH={}:/usr/sbin:/usr/bin:/sbin:/bin", host.folder.display()));
    let observe = || {
        let settings = json!({ "on": machine.url(), "boot_file": host.folder.join("boot.nft") });
        observe_in::<Nftables>(&near(&machine.path()), settings).expect("root is allowed to read")
    };
    let seen = observe();
    assert_eq!((seen.rules, seen.persistent, seen.service.as_str()), (1, true, "enabled"), "{seen:?}");
    host.nft(&["add", "rule", "inet", "filter", "input", "tcp", "dport", "22", "accept"]);
    let seen = observe();
    assert_eq!((seen.rules, seen.persistent, seen.extra.len()), (2, false, 1), "{seen:?}");
}

#[test]
fn a_checklist_looks_at_another_machine_and_says_how_to_do_so_by_hand() {
    let list = format!(
        "title: T\nsections: [{{ title: S, items: [{{ id: it, title: It, probes: [{{ command: {{ on: \"{}\", argv: [sh, -c, \"exit 3\"] }} }}] }}] }}]\n",
        sshd().url()
    );
    let output = Project::new(&list).env("PATH", sshd().path()).gate(&["check", "staging"]);
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("exit_code: expected 0, got 3"), "{}", output.stdout);
    assert!(output.stdout.contains("  reproduce: ssh -p "), "{}", output.stdout);
}

#[test]
fn invalid_settings_are_refused_at_load() {
    let reported = |on: &str| refused::<Command>(json!({ "on": on, "argv": ["true"] }));
    assert_snapshot!(reported("web-1"), @"invalid SSH host: write `ssh://user@host`, with `:port` unless it is 22");
    assert_snapshot!(reported("ssh://root:secret@web-1"), @"a password has no place here: ssh takes a key, or an agent");
    for on in ["ssh://-oProxyCommand=x", "ssh://a b@web", "ssh://web/path", "https://web", "ssh://user@-x"] {
        assert_eq!(reported(on), reported("web-1"), "{on}");
    }
    let odd = json!({ "on": "ssh://web-1", "argv": ["true"], "env": { "A;B": "x" } });
    assert_snapshot!(refused::<Command>(odd), @"on another machine, the name of a variable is letters, digits and `_`");
}
