//! The ledger in real databases, one of them behind a pooler: its content, concurrent writers, and errors when it can't
//! be written.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::harness::{Gate, Output, Project, find, free_port, pgbouncer, postgres, program};
use crate::kill::killed;

/// Two items: one is always green, and one is green while a file exists.
const LIST: &str = "
    title: T
    subject: ${vars.release}
    vars: { release: 1.0.0 }
    sections:
      - title: S
        items:
          - { id: sure, title: Sure, probes: [{ command: { argv: [\"true\"] } }] }
          - { id: file, title: File, probes: [{ file: { path: there } }] }
";

fn project() -> Project {
    Project::new(LIST)
}

/// Each kind of ledger for a project, PostgreSQL also behind a pooler: its URL, and a function to query it with SQL.
struct Each {
    project: Project,
    url: Option<String>,
}

impl Each {
    fn all() -> [Each; 3] {
        let url = || Some(postgres().new_database());
        let pooled = url().map(|url| pgbouncer().url_for(&url));
        [None, url(), pooled].map(|url| Each { project: project(), url })
    }

    fn gate(&self, arguments: &[&str]) -> Output {
        self.command(arguments).run()
    }

    fn command(&self, arguments: &[&str]) -> Gate {
        let command = self.project.command(arguments);
        self.url.iter().fold(command, |command, url| command.env("GATE_LEDGER", url))
    }

    fn sql(&self, sql: &str) -> String {
        match &self.url {
            Some(url) => postgres().psql(url, &format!("SET search_path = gate, public; {sql}")),
            None => sqlite(&self.project.path().join(".gate/ledger.db"), sql),
        }
    }
}

impl Each {
    /// Removes the additions of schema versions after the first, and moves PostgreSQL's tables to their old schema.
    fn first_version(&self) {
        for sql in [
            "DROP TABLE gate_facts",
            "DROP INDEX gate_runs_by_project",
            "ALTER TABLE gate_runs DROP COLUMN project",
            "ALTER TABLE gate_runs DROP COLUMN recorded",
            "CREATE INDEX gate_runs_by_name ON gate_runs (name, id)",
            "DELETE FROM gate_migrations WHERE version > 1",
        ] {
            self.sql(sql);
        }
        if self.url.is_some() {
            self.sql("ALTER TABLE gate_runs SET SCHEMA public");
            self.sql("ALTER TABLE gate_migrations SET SCHEMA public");
            self.sql("DROP SCHEMA gate");
        }
    }
}

fn sqlite(file: &Path, sql: &str) -> String {
    let output = Command::new(program("sqlite3")).arg(file).arg(sql).output().expect("sqlite3 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// The item of a run's JSON.
fn item(run: &str, id: &str) -> serde_json::Value {
    let run: serde_json::Value = serde_json::from_str(run).expect("it is JSON");
    let items = run["sections"][0]["items"].as_array().expect("there are items").iter();
    items.clone().find(|item| item["id"] == id).expect("it exists").clone()
}

#[test]
fn an_item_says_when_it_last_passed_and_since_when_it_is_red() {
    for each in Each::all() {
        let at = |second: u64| {
            let command = each.project.command(&["check", "staging", "--format", "json"]);
            let command = each.url.iter().fold(command, |command, url| command.env("GATE_LEDGER", url));
            item(&command.at(second).run().stdout, "file")
        };
        let there = each.project.path().join("there");
        std::fs::write(&there, "").expect("the folder is writable");
        let green = at(1_764_547_200);
        assert_eq!((green["status"].as_str(), &green["red_since"]), (Some("passed"), &serde_json::Value::Null));
        std::fs::remove_file(&there).expect("it exists");
        at(1_764_633_600);
        let red = at(1_764_720_000);
        assert_eq!(red["last_passed"], "2025-12-01T00:00:00Z");
        assert_eq!(red["last_subject"], "1.0.0");
        assert_eq!(red["red_since"], "2025-12-02T00:00:00Z");
        assert_eq!(
            each.sql("SELECT id, verdict, green, subject FROM gate_runs ORDER BY id"),
            "1|ready|2|1.0.0\n2|not-ready|1|1.0.0\n3|not-ready|1|1.0.0"
        );
    }
}

#[test]
fn a_run_is_kept_with_where_it_comes_from() {
    let project = project();
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").arg("-C").arg(project.path()).args(arguments).output().expect("git is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["-c", "user.name=D", "-c", "user.email=d@example.org", "commit", "-qm", "first"]);
    project.command(&["check", "staging"]).env("CI_JOB_URL", "https://ci/7").run();
    let reported = sqlite(
        &project.path().join(".gate/ledger.db"),
        "SELECT commit_id, ci, host <> '', user_name <> '', length(checklist), length(digest) FROM gate_runs",
    );
    assert_eq!(reported, format!("{}|https://ci/7|1|1|64|64", git(&["rev-parse", "HEAD"])));
    // The ledger is ignored by Git.
    assert_eq!(git(&["status", "--porcelain"]), "");
}

#[test]
fn no_record_leaves_no_trace() {
    let project = project();
    assert_eq!(project.gate(&["check", "staging", "--no-record"]).code, 1);
    assert!(!project.path().join(".gate").exists());
    // A checklist from standard input has no folder of its own.
    assert_eq!(project.command(&["check", "-"]).stdin(&project.read("checklists/staging.yaml")).run().code, 1);
    assert!(!project.path().join(".gate").exists());
}

#[test]
fn a_ledger_may_be_any_file() {
    let project = project();
    assert_eq!(project.gate(&["check", "staging", "--ledger", "kept.db"]).code, 1);
    assert!(!project.path().join(".gate").exists());
    assert_eq!(sqlite(&project.path().join("kept.db"), "SELECT count(*) FROM gate_runs"), "1");
}

#[test]
fn many_write_at_once_and_every_run_is_there() {
    for each in Each::all() {
        let codes: Vec<i32> = thread::scope(|scope| {
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| each.gate(&["check", "staging"]))).collect();
            runs.into_iter()
                .map(|run| {
                    let output = run.join().expect("it ends");
                    assert_eq!(output.stderr, "");
                    output.code
                })
                .collect()
        });
        assert_eq!(codes, [1; 8]);
        assert_eq!(each.sql("SELECT count(*) FROM gate_runs"), "8");
    }
}

#[test]
fn a_writer_that_is_killed_leaves_a_ledger_that_is_whole() {
    for each in Each::all() {
        each.gate(&["check", "staging"]);
        let check = || each.command(&["check", "staging"]);
        let begun = Instant::now();
        assert_eq!(check().run().code, 1);
        killed(begun.elapsed(), || check().command(), || {});
        let output = each.gate(&["check", "staging"]);
        assert_eq!((output.code, output.stderr.as_str()), (1, ""));
        if each.url.is_none() {
            assert_eq!(each.sql("PRAGMA integrity_check"), "ok");
        }
    }
}

#[test]
fn an_older_ledger_is_brought_to_this_version() {
    for each in Each::all() {
        each.gate(&["check", "staging"]);
        each.first_version();
        let output = each.gate(&["check", "staging"]);
        assert_eq!((output.code, output.stderr.as_str()), (1, ""));
        assert_eq!(each.sql("SELECT max(version) FROM gate_migrations"), "3");
        // Earlier runs belong to the project that recorded the first one of that name.
        assert_eq!(
            each.sql("SELECT count(DISTINCT project), min(length(project)) > 0 FROM gate_runs"),
            each.sql("SELECT 1, 1 > 0")
        );
        // Missing statistics are computed from the runs.
        assert!(each.sql("SELECT facts FROM gate_facts").contains("\"run\":2"));
        assert_eq!(each.sql("SELECT count(*) FROM gate_runs"), "2");
    }
}

#[test]
fn a_newer_ledger_is_refused_and_the_table_still_printed() {
    for each in Each::all() {
        each.gate(&["check", "staging"]);
        each.sql(
            "INSERT INTO gate_migrations (version, description, installed_on, success, checksum, execution_time) \
             SELECT 99, 'later', installed_on, success, checksum, 0 FROM gate_migrations WHERE version = 1",
        );
        let output = each.gate(&["check", "staging"]);
        assert_eq!(output.code, 4);
        assert!(output.stdout.contains("NOT READY: 1 of 2 passed"), "{}", output.stdout);
        assert!(output.stderr.contains("it was made by a newer version of gate"), "{}", output.stderr);
        assert_eq!(each.sql("SELECT count(*) FROM gate_runs"), "1");
    }
}

#[test]
fn old_runs_are_removed_but_not_the_last_green_one_of_an_item() {
    for each in Each::all() {
        let there = each.project.path().join("there");
        let check = || each.command(&["check", "staging"]).env("GATE_LEDGER_KEEP", "3").run();
        check();
        std::fs::write(&there, "").expect("the folder is writable");
        check();
        std::fs::remove_file(&there).expect("it exists");
        for _ in 0..4 {
            check();
        }
        // One person's variable must not shorten the shared history.
        let kept = if each.url.is_none() { "2\n4\n5\n6" } else { "1\n2\n3\n4\n5\n6" };
        assert_eq!(each.sql("SELECT id FROM gate_runs ORDER BY id"), kept);
        let output = each.gate(&["ledger", "prune", "staging", "--keep", "2"]);
        let removed = if each.url.is_none() { 1 } else { 3 };
        assert!(output.stdout.starts_with(&format!("deleted {removed} run")), "{}{}", output.stdout, output.stderr);
        assert_eq!(each.sql("SELECT id FROM gate_runs ORDER BY id"), "2\n5\n6");
    }
}

#[test]
fn runs_older_than_thirteen_months_are_removed_but_not_the_last_green_one_of_an_item() {
    for each in Each::all() {
        let there = each.project.path().join("there");
        let check = |day: u64| {
            // A database server has its own clock: the last day is today.
            let time = std::time::UNIX_EPOCH.elapsed().expect("it is later").as_secs() - (397 - day) * 86_400;
            each.command(&["check", "staging"]).at(time).run()
        };
        std::fs::write(&there, "").expect("the folder is writable");
        check(0);
        std::fs::remove_file(&there).expect("it exists");
        check(1);
        check(394);
        assert_eq!(each.sql("SELECT id FROM gate_runs ORDER BY id"), "1\n2\n3");
        check(397);
        assert_eq!(each.sql("SELECT id FROM gate_runs ORDER BY id"), "1\n3\n4");
    }
}

#[test]
fn a_server_that_is_not_there_is_named_without_its_password() {
    let project = project();
    let url = format!("postgres://gate:hunter2hunter2@127.0.0.1:{}/gate", free_port());
    let output = project.gate(&["check", "staging", "--ledger", &url]);
    assert_eq!(output.code, 4);
    assert!(output.stdout.contains("NOT READY: 1 of 2 passed"), "{}", output.stdout);
    assert!(output.stderr.contains("refused the connection"), "{}", output.stderr);
    assert!(!format!("{}{}", output.stdout, output.stderr).contains("hunter2"), "{}", output.stderr);
    let output = project.gate(&["check", "staging", "--ledger", "mysql://u:hunter2hunter2@h/d"]);
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("MySQL can't hold a ledger") && !output.stderr.contains("hunter2"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_ledger_that_is_neither_a_url_nor_a_path_is_refused_and_no_file_is_named_after_it() {
    let project = project();
    for (ledger, problem) in [
        ("host=h password=hunter2hunter2", "this is neither a database URL nor the path of a file"),
        ("password=hunter2hunter2", "this is neither a database URL nor the path of a file"),
        ("u:hunter2hunter2@h/x", "this is neither a database URL nor the path of a file"),
        ("u:hunter2hunter2@h", "this is neither a database URL nor the path of a file"),
        ("postgre://u:hunter2hunter2@h/x", "unsupported scheme `postgre`"),
        ("redis://u:hunter2hunter2@h/x", "unsupported scheme `redis`"),
        ("mariadb://u:hunter2hunter2@h/x", "MySQL can't hold a ledger"),
        ("postgres:u:hunter2hunter2@h", "this is not a database URL: two slashes must follow the colon"),
    ] {
        let expected = |option: &str| {
            format!(
                "error: `{option}`: {problem}\n  help: write `postgres://user:password@host/name`, or a file as `./NAME`"
            )
        };
        let output = project.gate(&["check", "staging", "--ledger", ledger]);
        assert_eq!((output.code, output.stderr.trim_end()), (2, &*expected("--ledger")), "{ledger}");
        let output = project.command(&["history", "staging"]).env("GATE_LEDGER", ledger).run();
        assert_eq!((output.code, output.stderr.trim_end()), (2, &*expected("GATE_LEDGER")), "{ledger}");
    }
    let files = std::fs::read_dir(project.path()).expect("the project's folder is readable");
    let names: Vec<_> = files.map(|file| file.expect("it is readable").file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("hunter2")), "{names:?}");
    assert_eq!(project.gate(&["check", "staging", "--ledger", "./a=b@c.db"]).code, 1);
    assert!(project.path().join("a=b@c.db").exists());
}

/// Runs `gate check` in a namespace in which `.gate` is a file system with these options.
fn with_file_system(project: &Project, options: &str) -> Output {
    std::fs::create_dir(project.path().join(".gate")).expect("the folder is writable");
    let script =
        format!("mount -t tmpfs -o {options} tmpfs .gate && exec {} check staging", env!("CARGO_BIN_EXE_gate"));
    let mut command = Command::new(find("unshare").expect("util-linux is there"));
    command.args(["--mount", "--map-root-user", "sh", "-c", &script]).current_dir(project.path());
    Output::of(command.output().expect("it starts"))
}

#[test]
fn a_full_disk_is_reported_and_the_table_still_printed() {
    let output = with_file_system(&project(), "size=16k");
    assert_eq!(output.code, 4, "{}", output.stderr);
    assert!(output.stdout.contains("NOT READY: 1 of 2 passed"), "{}", output.stdout);
    assert!(output.stderr.contains("the ledger `.gate/ledger.db`: the disk is full"), "{}", output.stderr);
    assert!(output.stderr.contains("--no-record"), "{}", output.stderr);
}

#[test]
fn a_read_only_folder_is_reported_and_the_table_still_printed() {
    let output = with_file_system(&project(), "ro");
    assert_eq!(output.code, 4, "{}", output.stderr);
    assert!(output.stdout.contains("NOT READY: 1 of 2 passed"), "{}", output.stdout);
    assert!(output.stderr.contains("read-only filesystem"), "{}", output.stderr);
}

#[test]
fn the_tables_stay_where_the_schema_may_not_be_made_and_that_is_said() {
    let (url, project) = (postgres().new_database(), project());
    let database = url.rsplit('/').next().expect("a URL has a path");
    let role = format!("stay_{database}");
    postgres().psql(&url, &format!("CREATE ROLE {role} LOGIN PASSWORD 'p'; GRANT ALL ON SCHEMA public TO {role}"));
    let own = url.replace("gate:p%40ss", &format!("{role}:p"));
    let output = project.command(&["check", "staging", "--ledger", &own]).run();
    assert_eq!(output.code, 1, "{}", output.stderr);
    assert!(output.stderr.contains("are in the schema `public`"), "{}", output.stderr);
    assert_eq!(postgres().psql(&url, "SELECT count(*) FROM public.gate_runs"), "1");
    let output = project.command(&["check", "staging", "--ledger", &own]).run();
    assert_eq!((output.code, output.stderr.as_str()), (1, ""));
    assert_eq!(postgres().psql(&url, "SELECT count(*) FROM public.gate_runs"), "2");
}

#[test]
fn two_projects_share_a_ledger_and_each_sees_its_own_runs() {
    for each in Each::all().into_iter().filter(|each| each.url.is_some()) {
        let url = each.url.clone().expect("it is a server's");
        let other = Project::new(&format!("project: other/shop\n{}", crate::harness::dedent(LIST)));
        assert_eq!(each.gate(&["check", "staging"]).code, 1);
        assert_eq!(other.gate(&["check", "staging", "--ledger", &url]).code, 1);
        assert_eq!(each.sql("SELECT count(*), count(DISTINCT project) FROM gate_runs"), "2|2");
        let history = other.gate(&["history", "staging", "--ledger", &url]).stdout;
        assert_eq!(history.lines().filter(|line| line.contains("NOT READY")).count(), 1, "{history}");
        let validated = other.gate(&["validate"]).stdout;
        assert!(validated.contains("recorded as other/shop staging"), "{validated}");
    }
}

#[test]
fn a_run_from_the_future_changes_nothing_and_is_named() {
    let project = project();
    let future = 4_070_908_800; // 2099
    assert_eq!(project.command(&["check", "staging"]).at(future).run().code, 1);
    // Its statistics do not count: the item would be red since 2099.
    let red = item(&project.gate(&["check", "staging", "--format", "json"]).stdout, "file");
    assert!(!red["red_since"].as_str().expect("it is red").starts_with("2099"), "{red}");
    sqlite(&project.path().join(".gate/ledger.db"), "DELETE FROM gate_runs WHERE id = 2");
    let output = project.gate(&["render", "staging"]);
    assert_eq!(output.code, 4, "{}", output.stdout);
    assert!(output.stderr.contains("it is from the future"), "{}", output.stderr);
    let output = project.gate(&["ledger", "prune", "staging"]);
    assert_eq!(output.stdout.split(" of ").next(), Some("deleted 1 run"), "{}", output.stderr);
}

#[test]
fn columns_that_were_altered_are_seen() {
    let project = project();
    project.gate(&["check", "staging"]);
    sqlite(&project.path().join(".gate/ledger.db"), "UPDATE gate_runs SET verdict = 'ready', green = 2");
    let output = project.gate(&["render", "staging"]);
    assert_eq!(output.code, 4, "{}", output.stdout);
    assert!(output.stderr.contains("its columns differ from its document"), "{}", output.stderr);
}

#[test]
fn a_ledger_that_git_tracks_is_refused() {
    let project = project();
    project.gate(&["check", "staging"]);
    let git = |arguments: &[&str]| {
        let done = Command::new("git").arg("-C").arg(project.path()).args(arguments).status();
        assert!(done.expect("git is installed").success());
    };
    git(&["init", "-q"]);
    git(&["add", "--force", ".gate/ledger.db"]);
    for arguments in [["history", "staging"], ["render", "staging"], ["check", "staging"]] {
        let output = project.gate(&arguments);
        assert_eq!(output.code, 4, "{}", output.stdout);
        assert!(output.stderr.contains("Git tracks this file"), "{}", output.stderr);
    }
}

#[test]
fn a_file_of_variables_does_not_say_where_the_ledger_is() {
    let project = project().file("vars", "GATE_LEDGER=elsewhere.db\nGATE_LEDGER_KEEP=1\n");
    let output = project.gate(&["check", "staging", "--env-file", "vars"]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("`GATE_LEDGER` in `--env-file` is ignored"), "{}", output.stderr);
    assert!(project.path().join(".gate/ledger.db").exists() && !project.path().join("elsewhere.db").exists());
}

#[test]
fn a_ledger_that_does_not_answer_holds_up_no_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("postgres://gate@{}/gate", silent.local_addr().expect("it is bound"));
    let list = LIST.replace("command: { argv: [\"true\"] }", "command: { argv: [sleep, \"60\"] }, timeout: 50s");
    let project = Project::new(&list);
    project.gate(&["check", "staging", "--only", "file"]);
    let mut holder = Command::new(program("sqlite3"));
    let file = project.path().join(".gate/ledger.db");
    let mut holder = holder.arg(&file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it is installed");
    let mut input = holder.stdin.take().expect("it is piped");
    writeln!(input, "BEGIN IMMEDIATE; SELECT 'held';").expect("it reads");
    let mut said = String::new();
    BufReader::new(holder.stdout.as_mut().expect("it is piped")).read_line(&mut said).expect("it answers");
    assert_eq!(said, "held\n");
    for arguments in [&["--ledger", url.as_str()][..], &[]] {
        let begun = Instant::now();
        let output = project.gate(&[&["check", "staging", "--deadline", "1s"], arguments].concat());
        assert_eq!(output.code, 4, "{}", output.stderr);
        assert!(output.stderr.contains("it did not answer in time"), "{}", output.stderr);
        assert!(begun.elapsed().as_secs_f64() < 3.0, "{:?}", begun.elapsed());
    }
    drop(input);
    holder.wait().expect("it ends with its input");
}

#[test]
fn every_run_is_exported_as_a_document_on_a_line() {
    let project = project();
    project.gate(&["check", "staging"]);
    project.gate(&["check", "staging", "--only", "sure"]);
    let output = project.gate(&["ledger", "export", "staging"]);
    let runs: Vec<serde_json::Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).expect("each line is a document")).collect();
    assert_eq!(runs.iter().map(|run| run["partial"].as_str()).collect::<Vec<_>>(), [None, Some("--only sure")]);
    assert_eq!(runs[0]["schema"], "gate.run/v1");
}

#[test]
fn a_weaker_list_is_seen() {
    let before = "
        title: T
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ command: { argv: [\"true\"] }, expect: { exit_code: 0, stdout: \"\" } }] }
              - { id: b, title: B, probes: [{ command: { argv: [\"true\"] } }] }
    ";
    let project = Project::new(before);
    assert_eq!(project.gate(&["check", "staging"]).code, 0);
    let after = before.replace(", stdout: \"\"", "").replace("id: b,", "id: b, advisory: true, timeout: 30s,");
    let project = project.file("checklists/staging.yaml", &crate::harness::dedent(&after));
    let output = project.gate(&["check", "staging"]);
    assert_eq!(output.code, 0);
    let line = "warning: weaker since the last green run (1): a: expectation dropped: command: stdout; b: now advisory; \
                b: timeout raised: command: 10s to 30s";
    assert_eq!(output.stderr.trim_end(), line);
    let diff = project.gate(&["diff", "staging"]).stdout;
    assert!(
        diff.contains("\nthe checklist may require less\na  expectation dropped: command: stdout\nb  now advisory\n"),
        "{diff}"
    );
}
