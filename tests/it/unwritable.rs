//! Failures to write: a full disk while signing, and a read-only ledger.

use std::process::Command;

use crate::harness::{Output, Project, program};

const LIST: &str = "
    title: T
    subject: r1
    sections:
      - title: S
        items:
          - { id: up, title: Up, probes: [{ file: { path: up } }] }
          - { id: qa, title: QA confirms, needs: [up], sign_off: { role: QA lead } }
";

/// Runs a script in a private mount namespace, with `$GATE`.
fn isolated(project: &Project, script: &str) -> Output {
    let mut command = Command::new(program("unshare"));
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).current_dir(project.path());
    Output::of(command.env("GATE", env!("CARGO_BIN_EXE_gate")).output().expect("util-linux is installed"))
}

#[test]
fn a_full_disk_while_signing_is_an_output_error_that_leaves_nothing_behind() {
    let project = Project::new(LIST).file("up", "");
    let script = "
        mkdir small && mount -t tmpfs -o size=256k tmpfs small && cp -r checklists up small && cd small || exit 99
        \"$GATE\" check staging > /dev/null
        dd if=/dev/zero of=fill bs=1k count=512 2> /dev/null
        \"$GATE\" sign staging qa --by 'Dana <dana@example.com>' > /dev/null; echo code $?
        ls -A checklists
    ";
    let output = isolated(&project, script);
    assert_eq!(output.stdout, "code 4\nstaging.yaml\n", "{}", output.stderr);
    assert!(output.stderr.contains("cannot write `checklists/staging.signoffs/"), "{}", output.stderr);
}

#[test]
fn the_history_of_a_ledger_that_cannot_be_written_is_shown() {
    let project = Project::new(LIST).file("up", "");
    assert_eq!(project.gate(&["check", "staging"]).code, 1);
    let script = "
        mount --bind .gate .gate && mount -o remount,bind,ro .gate || exit 99
        \"$GATE\" history staging; echo code $?
    ";
    let output = isolated(&project, script);
    let is_listed = output.stdout.contains("NOT READY  1 of 2") && output.stdout.ends_with("code 0\n");
    assert!(is_listed, "{}{}", output.stdout, output.stderr);
}

#[test]
fn a_full_disk_is_named_with_the_report_that_was_not_written() {
    let project = Project::new(LIST).file("up", "");
    let script = "
        mkdir small && mount -t tmpfs -o size=64k tmpfs small && cp -r checklists small && cd small || exit 99
        dd if=/dev/zero of=fill bs=1k count=512 2> /dev/null
        \"$GATE\" check staging --no-record --report json=run.json > /dev/null; echo code $?
        ls -A
    ";
    let output = isolated(&project, script);
    assert_eq!(output.stdout, "code 4\nchecklists\nfill\n", "{}", output.stderr);
    assert!(output.stderr.contains("run.json`: the disk is full"), "{}", output.stderr);
}
