//! `locks: shared`: two concurrent runs that are synchronized only by a database.

use std::process::{Child, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::harness::{HttpServer, Output, Project, Response, http, pgbouncer, postgres};

/// The time limit for something that takes only a moment.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service that counts concurrent requests, and answers none of them until the test opens it.
struct Service {
    server: HttpServer,
    door: Arc<Door>,
}

#[derive(Default)]
struct Door {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_open: bool,
    inside: usize,
    /// The maximum of concurrent requests.
    most: usize,
    /// The number of requests so far.
    came: usize,
}

impl Door {
    fn wait<'a>(&'a self, state: MutexGuard<'a, State>, until: impl Fn(&State) -> bool) -> MutexGuard<'a, State> {
        let (state, late) = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !until(state))
            .expect("no thread panics while it holds the lock");
        assert!(!late.timed_out(), "it does not happen");
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds the lock")
    }
}

impl Service {
    fn new() -> Self {
        let door = Arc::new(Door::default());
        let own = Arc::clone(&door);
        let server = http(move |_| {
            let mut state = own.state();
            state.inside += 1;
            state.came += 1;
            state.most = state.most.max(state.inside);
            own.changed.notify_all();
            let mut state = own.wait(state, |state| state.is_open);
            state.inside -= 1;
            Response::ok("yes")
        });
        Self { server, door }
    }

    fn open(&self) {
        self.door.state().is_open = true;
        self.door.changed.notify_all();
    }

    /// Waits for this number of requests.
    fn until_came(&self, count: usize) {
        drop(self.door.wait(self.door.state(), |state| state.came >= count));
    }

    /// A project whose items send requests to it, each with these locks.
    fn project(&self, head: &str, locks: &[&str]) -> Project {
        let item = |(number, locks): (usize, &&str)| {
            format!(
                "      - {{ id: i{number}, title: I, locks: [{locks}], probes: [{{ http: {{ url: \"{}\" }}, timeout: 1m }}] }}\n",
                self.server.url()
            )
        };
        let items: String = locks.iter().enumerate().map(item).collect();
        Project::new(&format!("title: T\nproject: acme/shop\n{head}sections:\n  - title: S\n    items:\n{items}"))
    }
}

/// A `gate check` that runs in the background.
fn start(project: &Project, ledger: &str, arguments: &[&str]) -> Child {
    let command = project.command(&[&["check", "staging", "--no-record"], arguments].concat());
    let mut command = command.env("GATE_LEDGER", ledger).command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("cargo has built it")
}

fn ended(child: Child) -> Output {
    Output::of(child.wait_with_output().expect("it is a child of this process"))
}

/// Waits until this number of connections wait for a lock in this database.
fn until_waiting(database: &str, count: usize) {
    let sql = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
               WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()";
    let begun = Instant::now();
    while postgres().psql(database, sql).trim() != count.to_string() {
        assert!(begun.elapsed() < PATIENCE, "nobody waits");
    }
}

#[test]
fn two_runs_never_have_the_same_shared_lock_at_once() {
    let database = postgres().new_database();
    for ledger in [database.clone(), pgbouncer().url_for(&database)] {
        let service = Service::new();
        let project = service.project("locks: shared\n", &["api"]);
        let one = start(&project, &ledger, &[]);
        service.until_came(1);
        let two = start(&project, &ledger, &[]);
        until_waiting(&database, 1);
        service.open();
        for output in [ended(one), ended(two)] {
            assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
        }
        let state = service.door.state();
        assert_eq!((state.came, state.most), (2, 1));
    }
}

#[test]
fn without_shared_locks_and_with_others_two_runs_go_on_side_by_side() {
    let database = postgres().new_database();
    for (head, locks) in [("", ["api", "api"]), ("locks: run\n", ["api", "api"]), ("locks: shared\n", ["api", "mail"])]
    {
        let service = Service::new();
        let projects = locks.map(|lock| service.project(head, &[lock]));
        let runs = projects.each_ref().map(|project| start(project, &database, &[]));
        service.until_came(2);
        service.open();
        for output in runs.map(ended) {
            assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
        }
        assert_eq!(service.door.state().most, 2);
    }
}

#[test]
fn locks_in_any_order_do_not_wait_in_a_circle() {
    let database = postgres().new_database();
    let service = Service::new();
    service.open();
    let projects = [&["api, mail", "mail, api"], &["mail, api", "api, mail"]]
        .map(|locks| service.project("locks: shared\n", locks));
    let runs: Vec<Child> = (0..3).flat_map(|_| &projects).map(|project| start(project, &database, &[])).collect();
    for output in runs.into_iter().map(ended) {
        assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    }
    let state = service.door.state();
    assert_eq!((state.came, state.most), (12, 1));
}

#[test]
fn a_killed_holder_frees_its_locks() {
    let database = postgres().new_database();
    let service = Service::new();
    let project = service.project("locks: shared\n", &["api"]);
    let mut one = start(&project, &database, &[]);
    service.until_came(1);
    let two = start(&project, &database, &[]);
    until_waiting(&database, 1);
    one.kill().expect("it runs");
    one.wait().expect("it is a child of this process");
    service.until_came(2);
    service.open();
    let output = ended(two);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
}

#[test]
fn a_deadline_and_a_signal_end_the_wait_for_a_lock() {
    let database = postgres().new_database();
    let service = Service::new();
    let project = service.project("locks: shared\n", &["api"]);
    let one = start(&project, &database, &[]);
    service.until_came(1);
    let stopped = start(&project, &database, &[]);
    until_waiting(&database, 1);
    // SAFETY: the child has not been waited for.
    unsafe { libc::kill(libc::pid_t::try_from(stopped.id()).expect("it fits"), libc::SIGINT) };
    let stopped = ended(stopped);
    assert_eq!(stopped.code, 130, "{}{}", stopped.stdout, stopped.stderr);
    let late = ended(start(&project, &database, &["--deadline=1s", "--format=ndjson"]));
    assert_eq!(late.code, 3, "{}{}", late.stdout, late.stderr);
    assert!(late.stdout.contains(r#"{"event":"locking","id":"i0","title":"I","locks":"api"}"#), "{}", late.stdout);
    let said = "not begun by the deadline of 1s: waited for the shared lock api, which another run may hold";
    assert!(late.stdout.contains(said), "{}", late.stdout);
    assert!(!late.stdout.contains("started\",\"id"), "{}", late.stdout);
    service.open();
    assert_eq!(ended(one).code, 0);
    assert_eq!(service.door.state().came, 1);
}

#[test]
fn an_item_that_loses_its_lock_or_can_not_get_it_is_an_error() {
    let database = postgres().new_database();
    let service = Service::new();
    let project = service.project("locks: shared\n", &["api"]);
    let one = start(&project, &database, &["--format=json"]);
    service.until_came(1);
    let sql = "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
               WHERE locktype = 'advisory' AND datname = current_database()";
    assert_eq!(postgres().psql(&database, sql).trim(), "t");
    service.open();
    let lost = ended(one);
    assert_eq!(lost.code, 3, "{}{}", lost.stdout, lost.stderr);
    assert!(lost.stdout.contains("cannot keep a lock in the ledger"), "{}", lost.stdout);

    let nowhere = format!("{database}_of_nobody");
    let unreachable = ended(start(&project, &nowhere, &["--format=json"]));
    assert_eq!(unreachable.code, 3, "{}{}", unreachable.stdout, unreachable.stderr);
    assert!(unreachable.stdout.contains("cannot take a lock in the ledger"), "{}", unreachable.stdout);
    assert_eq!(service.door.state().came, 1, "nothing is run without its lock");
}

#[test]
fn shared_locks_need_a_ledger_that_others_see() {
    let service = Service::new();
    let project = service.project("locks: shared\n", &["api"]);
    for arguments in [&[][..], &["--no-record"], &["--ledger=runs.db"]] {
        let output = project.gate(&[&["check", "staging"], arguments].concat());
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{}", output.stderr);
        let said = "error: `locks: shared` needs a PostgreSQL ledger\n  \
                    help: set `GATE_LEDGER` or `--ledger` to `postgres://user:password@host/name`";
        assert_eq!(output.stderr.trim_end(), said);
    }
    assert_eq!(service.door.state().came, 0);
}

#[test]
fn validate_warns_that_an_exclusive_item_is_so_within_one_run() {
    let list = |head: &str| {
        Project::new(&format!(
            "title: T\nproject: acme/shop\n{head}sections:\n  - title: S\n    items:\n      - {{ id: a, title: A, exclusive: true, probes: [{{ file: {{ path: up }} }}] }}\n"
        ))
    };
    let output = list("locks: shared\n").gate(&["validate"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_snapshot!(output.stderr.trim_end(), @"
    warning: `exclusive` holds within one run only, unlike `locks`: a
      help: to keep other runs away as well, give this item and those that disturb it a common lock: `locks: [NAME]`
    ");
    assert_eq!(list("").gate(&["validate"]).stderr, "");
}

#[test]
fn shared_locks_need_a_project_that_other_checkouts_have_too() {
    let service = Service::new();
    let project = service.project("locks: shared\n", &["api"]);
    let path = project.path().join("checklists/staging.yaml");
    let text = std::fs::read_to_string(&path).expect("it is there").replace("project: acme/shop\n", "");
    std::fs::write(&path, text).expect("the folder is writable");
    let said = "error: `locks: shared` of `staging` needs a project: the repository has no Git remote\n  help: write \
                `project: NAME` at the top level of the checklist, the same in all checkouts that share the locks";
    let validated = project.gate(&["validate"]);
    assert_eq!((validated.code, validated.stdout.as_str(), validated.stderr.trim_end()), (2, "", said));
    let database = postgres().new_database();
    let checked = ended(start(&project, &database, &[]));
    assert_eq!((checked.code, checked.stderr.trim_end()), (2, said));
    assert_eq!(service.door.state().came, 0, "nothing runs");
    for arguments in [["init", "-q", "."].as_slice(), &["remote", "add", "origin", "https://github.com/acme/shop.git"]]
    {
        let git = std::process::Command::new("git").current_dir(project.path()).args(arguments).status();
        assert!(git.expect("git is installed").success());
    }
    assert_eq!(project.gate(&["validate"]).code, 0);
}

#[test]
fn at_the_deadline_an_item_names_the_lock_that_it_waited_for_and_its_holder() {
    let service = Service::new();
    let project = service.project("", &["api", "api, mail", ""]);
    let output = ended(start(&project, "unused.db", &["--deadline=1s", "--format=json"]));
    service.open();
    assert!(
        output.stdout.contains("not begun by the deadline of 1s: waited for the lock api, which i0 holds"),
        "{}",
        output.stdout
    );
    assert_eq!(output.stdout.matches("waited for the lock").count(), 1, "{}", output.stdout);
}
