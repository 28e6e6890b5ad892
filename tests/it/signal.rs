//! Signals during a run: running items are stopped, finished ones are reported, and the exit code names the signal.

use std::process::Stdio;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::harness::{HttpServer, Output, Project, Response, http};

/// A server that notifies the test of a request for `/begun`, and answers it only after ten minutes.
fn hanging() -> (HttpServer, mpsc::Receiver<()>) {
    let (sender, begun) = mpsc::channel();
    let sender = Mutex::new(sender);
    let server = http(move |request| {
        if request.path != "/begun" {
            return Response::ok("fine");
        }
        let _ = sender.lock().expect("no panic").send(());
        Response::ok("late").delayed(Duration::from_secs(600))
    });
    (server, begun)
}

fn interrupted_by(signal: i32) -> (Output, Project) {
    let (server, begun) = hanging();
    let project = Project::new(
        "
        title: T
        sections:
          - title: S
            items:
              - { id: quick, title: Q, probes: [{ http: { url: \"${env.API}/\" } }] }
              - id: slow
                title: S
                needs: [quick]
                probes:
                  - command: { shell: \"sleep 600 & echo $$! > pid; curl -s ${env.API}/begun\" }
                    timeout: 20m
              - { id: next, title: N, needs: [slow], probes: [{ http: { url: \"${env.API}/\" } }] }
    ",
    )
    .env("API", server.url());
    let mut command = project.command(&["check", "staging", "--report", "json=run.json"]).command();
    let gate = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is built");
    begun.recv_timeout(Duration::from_secs(60)).expect("the slow item begins");
    let sent = Instant::now();
    // SAFETY: it is our child and has not been waited for.
    unsafe { libc::kill(libc::pid_t::try_from(gate.id()).expect("it fits"), signal) };
    let output = Output::of(gate.wait_with_output().expect("it is a child of this process"));
    assert!(sent.elapsed() < Duration::from_secs(2), "it took {:?}", sent.elapsed());
    (output, project)
}

fn is_alive(project: &Project) -> bool {
    let pid: libc::pid_t = project.read("pid").trim().parse().expect("a number");
    // SAFETY: signal 0 sends nothing.
    unsafe { libc::kill(pid, 0) == 0 }
}

#[test]
fn an_interrupt_reports_what_was_done_and_leaves_nothing_running() {
    let (output, project) = interrupted_by(libc::SIGINT);
    assert_eq!(output.code, 130, "{}", output.stderr);
    let filtered: Vec<&str> = output.stdout.lines().take(6).collect();
    insta::assert_snapshot!(filtered.join("\n"), @"
    T

    S
    ✓ passed   Q  200 OK
    ! error    S  interrupted by SIGINT
    ⊘ blocked  N  not run: interrupted by SIGINT
    ");
    assert!(output.stdout.contains("INTERRUPTED by SIGINT"), "{}", output.stdout);
    let run: serde_json::Value = serde_json::from_str(&project.read("run.json")).expect("a whole document");
    assert_eq!(run["interrupted"], "SIGINT");
    assert!(!is_alive(&project));
}

#[test]
fn a_termination_does_the_same_with_its_own_code() {
    let (output, project) = interrupted_by(libc::SIGTERM);
    assert_eq!(output.code, 143, "{}", output.stderr);
    assert!(!is_alive(&project));
}

#[test]
fn a_terminal_that_is_closed_ends_a_run_as_a_termination_does() {
    let (output, project) = interrupted_by(libc::SIGHUP);
    assert_eq!(output.code, 129, "{}", output.stderr);
    let run: serde_json::Value = serde_json::from_str(&project.read("run.json")).expect("a whole document");
    assert_eq!(run["interrupted"], "SIGHUP");
    assert!(!is_alive(&project));
}
