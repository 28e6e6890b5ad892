//! A job of GitHub Actions that uses the action of this project: its steps are run as a runner runs them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::gate::Output;
use super::installed::program;
use super::place::directory;

/// The folder of the action.
const ACTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.github/actions/gate");

/// A job that uses the action in a workspace.
pub struct Job {
    workspace: PathBuf,
    runner: PathBuf,
    inputs: BTreeMap<String, String>,
    variables: Vec<(String, String)>,
}

impl Job {
    /// The target of the archive for this machine.
    pub const TARGET: &str =
        if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" };

    /// The action's file.
    pub fn action() -> Value {
        let text = fs::read_to_string(Path::new(ACTION).join("action.yml")).expect("it is part of the tree");
        serde_yaml::from_str(&text).expect("it is YAML")
    }

    /// A job in this workspace that uses the action with these inputs.
    pub fn new(workspace: &Path, inputs: &[(&str, &str)]) -> Job {
        let defaults = Job::action()["inputs"].clone();
        let defaults = defaults.as_object().expect("it has inputs").iter();
        let mut known: BTreeMap<String, String> = defaults
            .map(|(name, input)| (name.clone(), input["default"].as_str().unwrap_or_default().to_owned()))
            .collect();
        for (name, value) in inputs {
            assert!(known.insert((*name).to_owned(), (*value).to_owned()).is_some(), "no input is called {name}");
        }
        let runner = directory("runner");
        for file in ["output", "path", "summary"] {
            fs::write(runner.join(file), "").expect("the folder is writable");
        }
        Job { workspace: workspace.to_owned(), runner, inputs: known, variables: Vec::new() }
    }

    /// The same with a variable.
    pub fn env(mut self, name: &str, value: &str) -> Job {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder of the runner's files.
    pub fn runner(&self) -> &Path {
        &self.runner
    }

    /// Fills in the expressions that the action uses.
    pub fn filled(&self, text: &str) -> String {
        let expression = regex::Regex::new(r"\$\{\{ (.*?) \}\}").expect("it is well formed");
        let value = |found: &regex::Captures<'_>| {
            let mut values = found[1].split(" || ").map(|name| match name.split_once('.') {
                Some(("inputs", name)) => self.inputs[name].clone(),
                Some(("github", "action_repository")) => "acme/gate".to_owned(),
                Some(("github", name)) => format!("the-{name}"),
                _ => panic!("{name} is not known here"),
            });
            values.find(|value| !value.is_empty()).unwrap_or_default()
        };
        expression.replace_all(text, value).into_owned()
    }

    /// Runs every step with a script, until one fails.
    pub fn run(&self) -> Output {
        let mut all = Output { code: 0, stdout: String::new(), stderr: String::new() };
        let steps = Job::action()["runs"]["steps"].clone();
        for step in steps.as_array().expect("it has steps").iter().filter(|step| !step["run"].is_null()) {
            let output = self.step(step);
            all.stdout.push_str(&output.stdout);
            all.stderr.push_str(&output.stderr);
            all.code = output.code;
            if output.code != 0 {
                break;
            }
        }
        all
    }

    fn step(&self, step: &Value) -> Output {
        assert_eq!(step["shell"], "bash");
        let script = step["run"].as_str().expect("it is a text");
        assert!(!script.contains("${{"), "an input could change the script: {script}");
        let file = self.runner.join("script.sh");
        fs::write(&file, script).expect("the folder is writable");
        let mut bash = Command::new(program("bash"));
        bash.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&file);
        let folder = step["working-directory"].as_str().map_or_else(String::new, |path| self.filled(path));
        bash.current_dir(self.workspace.join(folder)).env_clear();
        bash.env("HOME", directory("home")).env("LANG", "C.UTF-8");
        bash.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", &self.workspace);
        bash.env("GITHUB_ACTION_PATH", ACTION).env("RUNNER_TEMP", &self.runner);
        bash.env("RUNNER_OS", "Linux").env("RUNNER_ARCH", if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" });
        for (name, file) in [("GITHUB_OUTPUT", "output"), ("GITHUB_PATH", "path"), ("GITHUB_STEP_SUMMARY", "summary")] {
            bash.env(name, self.runner.join(file));
        }
        bash.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let given = self.variables.iter().rev().find(|(name, _)| name == "PATH").map(|(_, path)| path.clone());
        let path = given.unwrap_or_else(|| std::env::var("PATH").unwrap_or_default());
        let added = self.read("path");
        bash.env("PATH", added.lines().rev().chain([path.as_str()]).collect::<Vec<_>>().join(":"));
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            bash.env(name, self.filled(value.as_str().expect("it is a text")));
        }
        Output::of(bash.output().expect("it is installed"))
    }

    /// The content of a file of the runner.
    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.runner.join(file)).expect("it exists")
    }

    /// The outputs of the steps, from which the action's outputs are made.
    pub fn outputs(&self) -> BTreeMap<String, String> {
        let text = self.read("output");
        text.lines().filter_map(|line| line.split_once('=')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }
}
