//! Alembic's configuration: where the revision files are, from `alembic.ini` and `pyproject.toml`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item};

use super::ini::Ini;
use crate::client::file;
use crate::client::sql::DatabaseUrl;
use crate::probe::Fault;

/// More than a configuration ever has, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// The settings of alembic's configuration about revision files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The folder of the configuration: where alembic is run, and where relative paths start.
    pub dir: PathBuf,
    /// The folder with `env.py` and, unless `version_locations` says otherwise, `versions/`.
    pub script_location: Option<String>,
    /// The folders with revision files.
    pub version_locations: Vec<String>,
    /// Whether revision files are also looked for in folders of those folders.
    pub recursive: bool,
    /// Whether compiled files count as revision files.
    pub sourceless: bool,
    /// The database's URL, or why it is not known from the file.
    pub url: Option<Result<String, String>>,
    /// Other sections with a URL, as multi-database projects have them.
    pub others: Vec<String>,
}

impl Config {
    /// The configuration in this file, which may be an ini file or a `pyproject.toml`, and in its counterpart beside it.
    /// `project` is where shown paths start.
    ///
    /// # Errors
    /// When it can't be read or means nothing.
    pub fn read(path: &Path, section: &str, project: &Path) -> Result<Self, Fault> {
        let dir = path.parent().unwrap_or(Path::new(""));
        let shown = |file: &Path| file.strip_prefix(project).unwrap_or(file).display().to_string();
        let (ini, toml) = match path.file_name() {
            Some(name) if name == OsStr::new("pyproject.toml") => (dir.join("alembic.ini"), path.to_owned()),
            _ini => (path.to_owned(), dir.join("pyproject.toml")),
        };
        let mut texts = [(ini, None), (toml, None)];
        for (file, text) in &mut texts {
            *text = match file::read(file, MAX_SIZE) {
                Ok(text) => Some(String::from_utf8_lossy(&text).into_owned()),
                Err(_) if file != path && !file.exists() => None,
                Err(error) => {
                    return Err(Fault::new(error.message.replace(&*file.to_string_lossy(), &shown(file))).help(
                        "`config` says where alembic's configuration is; without one, say where the revision files \
                         are with `scripts`",
                    ));
                }
            };
        }
        let [(_, ini), (_, toml)] = texts;
        Self::parse(dir, ini.as_deref(), toml.as_deref(), section)
            .map_err(|why| Fault::new(format!("`{}`: {why}", shown(path))))
    }

    /// The configuration with these texts. What the ini file says takes precedence over what `pyproject.toml` says.
    fn parse(dir: &Path, ini: Option<&str>, toml: Option<&str>, section: &str) -> Result<Self, String> {
        let here = dir.to_string_lossy();
        let toml: Option<DocumentMut> = match toml.map(str::parse) {
            None => None,
            Some(Ok(document)) => Some(document),
            // The table may be of no interest, but then again it may.
            Some(Err(error)) => return Err(format!("`pyproject.toml` is not valid: {}", error.message())),
        };
        let toml = toml.as_ref().and_then(|document| document.get("tool")?.get("alembic"));
        let ini = ini.map(|text| Ini::parse(text.trim_start_matches('\u{feff}'))).transpose()?.unwrap_or_default();
        if !ini.has(section) && toml.is_none() {
            let known: Vec<String> = ini.names().map(|name| format!("[{name}]")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(format!("section [{section}] not found; its sections: {known}"));
        }
        let get = |option: &str| ini.get(section, option, &here).map_err(|why| format!("`{option}`: {why}"));
        let setting = |option: &str| toml.and_then(|table| table.get(option));
        let flag = |option: &str| match get(option)? {
            Some(value) => Ok::<bool, String>(value == "true"),
            None => Ok(setting(option).and_then(Item::as_bool).unwrap_or(false)),
        };
        let version_locations = match get("version_locations")?.filter(|value| !value.is_empty()) {
            Some(value) => {
                let separator = match get("path_separator")? {
                    Some(separator) => Some(separator),
                    None => get("version_path_separator")?,
                };
                split(&value, separator.as_deref())?
            }
            None => strings(setting("version_locations"), &here),
        };
        Ok(Self {
            dir: dir.to_owned(),
            script_location: match get("script_location")? {
                Some(value) => Some(value),
                None => strings(setting("script_location"), &here).pop(),
            },
            version_locations,
            recursive: flag("recursive_version_locations")?,
            sourceless: flag("sourceless")?,
            url: get("sqlalchemy.url").transpose(),
            others: ini
                .names()
                .filter(|name| *name != section && ini.sets(name, "sqlalchemy.url"))
                .map(str::to_owned)
                .collect(),
        })
    }

    /// The folders with revision files.
    ///
    /// # Errors
    /// When the configuration doesn't say, or says it in a way that only Python could follow.
    pub fn folders(&self, scripts: Option<&Path>, versions: &[PathBuf], project: &Path) -> Result<Vec<PathBuf>, Fault> {
        if !versions.is_empty() {
            return Ok(versions.iter().map(|folder| project.join(folder)).collect());
        }
        if !self.version_locations.is_empty() {
            return self.version_locations.iter().map(|location| self.folder(location, "versions", project)).collect();
        }
        let scripts = match (scripts, &self.script_location) {
            (Some(scripts), _) => project.join(scripts),
            (None, Some(location)) => self.folder(location, "scripts", project)?,
            // Flask-Migrate keeps the ini file among the scripts.
            (None, None) if self.dir.join("env.py").is_file() => self.dir.clone(),
            (None, None) => {
                return Err(Fault::new("`script_location` is missing in alembic's configuration")
                    .help("set `scripts` to the folder of the revision files, such as `scripts: backend/alembic`"));
            }
        };
        Ok(vec![scripts.join("versions")])
    }

    /// The database that the configuration names.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn database_url(&self) -> Result<DatabaseUrl, String> {
        match &self.url {
            None if !self.others.is_empty() => {
                Err(format!("no `sqlalchemy.url` in this section, but in [{}]", self.others.join("], [")))
            }
            None => Err("missing `sqlalchemy.url`".to_owned()),
            // The placeholder of `alembic init`.
            Some(Ok(url)) if url.starts_with("driver://") => {
                Err("`sqlalchemy.url` is only the example that `alembic init` leaves".to_owned())
            }
            Some(Ok(url)) => DatabaseUrl::parse(url).map_err(|why| format!("`sqlalchemy.url`: {why}")),
            Some(Err(why)) => Err(why.clone()),
        }
    }

    /// Alembic takes a relative path from where it is run: the folder of its configuration, or else of the project.
    fn folder(&self, location: &str, setting: &str, project: &Path) -> Result<PathBuf, Fault> {
        if location.contains(':') && !Path::new(location).is_absolute() {
            let fault = Fault::new(format!("`{location}` is a folder in a Python package, which only Python can find"));
            return Err(fault.help(format!("set `{setting}` to its path, such as `{setting}: src/app/migrations`")));
        }
        let beside = self.dir.join(location);
        let in_project = project.join(location);
        Ok(if !beside.is_dir() && in_project.is_dir() { in_project } else { beside })
    }
}

/// The parts of `version_locations`, as alembic splits them.
fn split(value: &str, separator: Option<&str>) -> Result<Vec<String>, String> {
    let separators: &[char] = match separator {
        // From before there was a separator to name.
        None => &[',', ' '],
        Some("os" | ":") => &[':'],
        Some(";") => &[';'],
        Some("space") => &[' '],
        Some("newline") => &['\n'],
        Some(other) => {
            return Err(format!("`path_separator` is `{other}`, which alembic knows as little as this probe does"));
        }
    };
    let parts = value.split(separators).map(str::trim);
    Ok(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

/// A string of TOML, or each of a list, with `%(here)s` filled in.
fn strings(item: Option<&Item>, here: &str) -> Vec<String> {
    let filled = |text: &str| text.replace("%(here)s", here).replace("%%", "%");
    match item {
        Some(item) if item.is_str() => item.as_str().map(filled).into_iter().collect(),
        Some(item) => item.as_array().into_iter().flatten().filter_map(|value| value.as_str()).map(filled).collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(ini: &str) -> Config {
        Config::parse(Path::new("/app"), Some(&format!("[alembic]\n{ini}")), None, "alembic").expect("a valid file")
    }

    /// The folders that the configuration leads to.
    fn folders(config: &Config) -> String {
        match config.folders(None, &[], Path::new("/project")) {
            Ok(folders) => folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(" "),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn the_folders_are_found_as_alembic_finds_them() {
        for (ini, expected) in [
            ("script_location = alembic", "/app/alembic/versions"),
            ("script_location = %(here)s/db", "/app/db/versions"),
            ("script_location = /srv/db", "/srv/db/versions"),
            ("version_locations = a, b  c", "/app/a /app/b /app/c"),
            ("version_locations = %(here)s/a:%(here)s/b\npath_separator = os", "/app/a /app/b"),
            ("version_locations = a:b\nversion_path_separator = :", "/app/a /app/b"),
            ("version_locations = a b;c\nversion_path_separator = ;", "/app/a b /app/c"),
            ("version_locations = a b\npath_separator = space\nversion_path_separator = ;", "/app/a /app/b"),
            ("version_locations =\n  a b\n  c\npath_separator = newline", "/app/a b /app/c"),
        ] {
            assert_eq!(folders(&config(ini)), expected, "{ini}");
        }
    }

    #[test]
    fn a_setting_that_only_python_can_resolve_is_reported() {
        let expected = "is a folder in a Python package, which only Python can find";
        assert_eq!(folders(&config("script_location = app:db")), format!("`app:db` {expected}"));
        assert_eq!(folders(&config("version_locations = app:a app:b")), format!("`app:a` {expected}"));
        assert_eq!(folders(&config("")), "`script_location` is missing in alembic's configuration");
    }

    #[test]
    fn the_settings_take_precedence_over_the_configuration() {
        let project = Path::new("/project");
        let config = config("script_location = app:db");
        let found = |scripts: Option<&str>, versions: &[PathBuf]| {
            config.folders(scripts.map(Path::new), versions, project).expect("said by the settings")
        };
        assert_eq!(found(Some("db"), &[]), [PathBuf::from("/project/db/versions")]);
        assert_eq!(found(None, &["a".into(), "/b".into()]), [PathBuf::from("/project/a"), PathBuf::from("/b")]);
    }

    #[test]
    fn pyproject_says_what_the_ini_file_does_not() {
        let toml = "[tool.alembic]\nscript_location = '%(here)s/db'\nversion_locations = ['%(here)s/a', '/b']\n\
                    recursive_version_locations = true";
        let read = |ini| Config::parse(Path::new("/app"), ini, Some(toml), "alembic").expect("a valid file");
        let both = read(Some("[alembic]\nrecursive_version_locations = false\nsqlalchemy.url = sqlite:///x.db"));
        assert_eq!(both.script_location.as_deref(), Some("/app/db"));
        assert_eq!(both.version_locations, ["/app/a", "/b"]);
        assert_eq!(both.url, Some(Ok("sqlite:///x.db".to_owned())));
        assert!(!both.recursive);
        assert!(read(None).recursive);
    }

    #[test]
    fn a_missing_url_in_the_file_is_not_an_error() {
        let config = config("script_location = a\nsqlalchemy.url = %(DB)s");
        assert_eq!(config.url, Some(Err("`sqlalchemy.url`: `%(db)s` in it is not set in the file".to_owned())));
    }

    #[test]
    fn a_section_that_is_not_there_is_named() {
        let parsed = Config::parse(Path::new("/app"), Some("[alembic]\n"), None, "reports");
        assert_eq!(parsed, Err("section [reports] not found; its sections: [alembic]".to_owned()));
    }
}
