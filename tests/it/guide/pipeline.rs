//! Files of CI systems in the guide: each is valid by the schema of its system, and its scripts are run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::{Job, Output, program, python};

/// Variables with their values.
pub type Variables = [(String, String)];

/// Where the scripts run.
pub struct Place<'a> {
    /// The workspace: the project.
    pub project: &'a Path,
    /// Runs a command there, with additional variables.
    pub shell: &'a dyn Fn(&Variables, &str) -> Output,
    /// The variables that each command there has.
    pub variables: &'a [(&'a str, &'a str)],
    /// The exit code of the script that ends the job.
    pub code: i32,
}

/// Validates and runs a known file of a CI system; ignores other files.
pub fn play(path: &str, text: &str, place: &Place<'_>) {
    let file = place.project.join(path);
    match path {
        _ if path.starts_with(".github/workflows/") => {
            accepts(&["--builtin-schema", "vendor.github-workflows"], &file);
            succeeds(tool("zizmor").args(["--offline", "--no-progress", "--quiet"]).arg(&file));
            github(&yaml(text), place);
        }
        ".gitlab-ci.yml" => {
            accepts(&["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"], &file);
            gitlab(&yaml(text), place);
        }
        ".buildkite/pipeline.yml" => {
            accepts(&["--builtin-schema", "vendor.buildkite"], &file);
            buildkite(&yaml(text), place);
        }
        "Jenkinsfile" => jenkins(text, place),
        _ if path.starts_with("k8s/") => {
            succeeds(tool("kubernetes-validate").args(["--strict", "--quiet"]).arg(&file));
            kubernetes(&yaml(text), place);
        }
        "alerts.yml" => succeeds(Command::new(program("promtool")).args(["check", "rules"]).arg(&file)),
        _ => {}
    }
}

/// Runs each line of a crontab: five time fields, then the command.
pub fn crontab(text: &str, place: &Place<'_>) {
    let line = regex::Regex::new(r"^([\d*,/-]+ ){5}(?P<command>[^%]+)$").expect("it is well formed");
    for entry in text.lines() {
        let command = &line.captures(entry).unwrap_or_else(|| panic!("no entry of a crontab: {entry}"))["command"];
        runs(place, &[], &format!("/bin/sh -c {}", quoted(command)));
    }
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).expect("it is YAML")
}

/// A tool that `tests/run` installs.
fn tool(name: &str) -> Command {
    Command::new(Path::new(&python()).with_file_name(name))
}

fn accepts(schema: &[&str], file: &Path) {
    succeeds(tool("check-jsonschema").args(schema).arg(file));
}

fn succeeds(command: &mut Command) {
    let output = Output::of(command.output().expect("it is installed"));
    assert_eq!(output.code, 0, "{command:?}\n{}{}", output.stdout, output.stderr);
}

/// Runs a script that exits with 0, or with the expected exit code of the job.
fn runs(place: &Place<'_>, variables: &Variables, script: &str) -> i32 {
    let output = (place.shell)(variables, script);
    assert!([0, place.code].contains(&output.code), "{script}\n{}{}", output.stdout, output.stderr);
    output.code
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Asserts that a file of the workspace that a system keeps exists. It may be a pattern.
fn is_there(place: &Place<'_>, path: &str) {
    let pattern = place.project.join(path).display().to_string();
    let mut found = glob::glob(&pattern).expect("it is well formed");
    assert!(found.next().is_some(), "{path} was not written");
}

/// A list of texts, or one.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

/// The variables of a map, with its own references filled in by `filled`.
fn variables(map: &Value, filled: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let map = map.as_object().into_iter().flatten();
    map.map(|(name, value)| (name.clone(), filled(value.as_str().unwrap_or_default()))).collect()
}

/// Runs the steps of each job: the action as a runner runs it, and scripts with their expressions filled in.
fn github(workflow: &Value, place: &Place<'_>) {
    let commit =
        "git add --all && git commit --quiet --allow-empty -m List && git update-ref refs/remotes/origin/main HEAD";
    runs(place, &[], commit);
    for (job, shard) in workflow["jobs"].as_object().into_iter().flatten().flat_map(|(_, job)| in_matrix(job)) {
        let (mut outputs, mut code) = (BTreeMap::new(), 0);
        outputs.insert("matrix.shard".to_owned(), shard);
        for step in job["steps"].as_array().into_iter().flatten() {
            if step["uses"].as_str().is_some_and(|uses| uses.starts_with("OWNER/REPO/.github/actions/gate@")) {
                outputs.extend(action(step, place));
            }
            let value = |text: &str| expressions(text, &outputs, place);
            if let Some(path) = step["with"]["path"].as_str() {
                is_there(place, &value(path));
            }
            if let Some(script) = step["run"].as_str() {
                assert!(!script.contains("${{"), "an expression could change the script: {script}");
                let mut variables = [variables(&job["env"], value), variables(&step["env"], value)].concat();
                variables.push(("GITHUB_BASE_REF".to_owned(), "main".to_owned()));
                code = code.max(runs(place, &variables, script));
            }
        }
        assert_eq!(code, place.code, "{job}");
    }
}

/// Runs a job, once for each shard of its matrix.
fn in_matrix(job: &Value) -> Vec<(&Value, String)> {
    match job["strategy"]["matrix"]["shard"].as_array() {
        Some(shards) => shards.iter().map(|shard| (job, shard.to_string())).collect(),
        None => vec![(job, String::new())],
    }
}

/// Runs the action with the inputs of a step, but with the `gate` on PATH. Returns its outputs.
fn action(step: &Value, place: &Place<'_>) -> BTreeMap<String, String> {
    let inputs = variables(&step["with"], str::to_owned);
    let inputs: Vec<(&str, &str)> = inputs
        .iter()
        .filter(|(name, _)| name != "version")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut job = Job::new(place.project, &inputs);
    for (name, value) in place.variables {
        job = job.env(name, value);
    }
    let gate = Path::new(env!("CARGO_BIN_EXE_gate")).parent().expect("a file is in a directory");
    job = job.env("PATH", &format!("{}:{}", gate.display(), std::env::var("PATH").unwrap_or_default()));
    let output = job.run();
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    job.outputs()
}

/// Fills in the expressions that the guide uses.
fn expressions(text: &str, outputs: &BTreeMap<String, String>, place: &Place<'_>) -> String {
    let expression = regex::Regex::new(r"\$\{\{ (.*?) \}\}").expect("it is well formed");
    let value = |found: &regex::Captures<'_>| match &found[1] {
        "github.token" => "token".to_owned(),
        "github.repository" => "acme/shop".to_owned(),
        "github.event.number" => "7".to_owned(),
        "matrix.shard" => outputs["matrix.shard"].clone(),
        "github.sha" | "github.event.pull_request.head.sha" => "0f1d7aa".to_owned(),
        name => match (name.strip_prefix("steps.gate.outputs."), name.strip_prefix("vars.")) {
            (Some(name), _) => outputs[name].clone(),
            (_, Some(name)) => {
                let known = place.variables.iter().find(|(known, _)| *known == name);
                known.map(|(_, value)| (*value).to_owned()).expect("the guide's service is known")
            }
            _ => panic!("{name} is not known here"),
        },
    };
    expression.replace_all(text, value).into_owned()
}

fn gitlab(pipeline: &Value, place: &Place<'_>) {
    for job in pipeline.as_object().into_iter().flatten().map(|(_, job)| job).filter(|job| !job["script"].is_null()) {
        let filled = |text: &str| text.replace("$CI_COMMIT_SHA", "0f1d7aa");
        let mut variables = variables(&job["variables"], filled);
        variables.push(("CI_PROJECT_DIR".to_owned(), place.project.display().to_string()));
        let script = [texts(&job["before_script"]), texts(&job["script"])].concat().join("\n");
        let total = job["parallel"].as_u64().unwrap_or(1);
        for index in 1..=total {
            let mut variables = variables.clone();
            if total > 1 {
                let numbers = [("CI_NODE_INDEX", index), ("CI_NODE_TOTAL", total)];
                variables.extend(numbers.map(|(name, value)| (name.to_owned(), value.to_string())));
            }
            runs(place, &variables, &script);
        }
        let reports = job["artifacts"]["reports"].as_object().into_iter().flatten().map(|(_, path)| texts(path));
        let kept = [texts(&job["cache"]["paths"]), texts(&job["artifacts"]["paths"])].concat();
        for path in kept.into_iter().chain(reports.flatten()) {
            is_there(place, &path);
        }
    }
}

fn buildkite(pipeline: &Value, place: &Place<'_>) {
    for step in pipeline["steps"].as_array().into_iter().flatten() {
        let variables = [("BUILDKITE_COMMIT".to_owned(), "0f1d7aa".to_owned())];
        runs(place, &variables, &texts(&step["command"]).join("\n").replace("$$", "$"));
        for path in [texts(&step["cache"]), texts(&step["artifact_paths"])].concat() {
            is_there(place, &path);
        }
    }
}

/// Runs the pods of an Indexed Job, one after the other: each has its index, and the variables of its container.
fn kubernetes(job: &Value, place: &Place<'_>) {
    let spec = &job["spec"];
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!((&spec["completionMode"], &container["command"][1]), (&"Indexed".into(), &"-c".into()));
    for index in 0..spec["completions"].as_u64().expect("it says how many") {
        let own = container["env"].as_array().into_iter().flatten();
        let mut variables: Vec<(String, String)> =
            own.map(|one| (texts(&one["name"]).concat(), texts(&one["value"]).concat())).collect();
        variables.push(("JOB_COMPLETION_INDEX".to_owned(), index.to_string()));
        runs(place, &variables, &texts(&container["args"]).concat());
    }
}

/// Runs the scripts of a Jenkinsfile, and checks the files that it publishes.
fn jenkins(text: &str, place: &Place<'_>) {
    let count = |bracket: char| text.matches(bracket).count();
    assert_eq!((count('{'), count('(')), (count('}'), count(')')), "a bracket is not closed");
    let script = regex::Regex::new(r"(?m)^\s+sh '([^']+)'$").expect("it is well formed");
    let scripts: Vec<&str> =
        script.captures_iter(text).filter_map(|found| found.get(1)).map(|sh| sh.as_str()).collect();
    assert!(!scripts.is_empty());
    for script in scripts {
        runs(place, &[("GIT_COMMIT".to_owned(), "0f1d7aa".to_owned())], script);
    }
    let published =
        regex::Regex::new(r"(?m)^\s+(?:junit|archiveArtifacts artifacts:) '([^']+)'$").expect("it is well formed");
    let paths: Vec<PathBuf> = published
        .captures_iter(text)
        .flat_map(|found| found[1].split(", ").map(PathBuf::from).collect::<Vec<_>>())
        .collect();
    assert!(!paths.is_empty());
    for path in paths {
        is_there(place, &path.to_string_lossy());
    }
}
