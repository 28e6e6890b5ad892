//! Facts about services, from all files of a repository.

use std::collections::BTreeMap;

/// The facts that were found.
#[derive(Debug, Default)]
pub struct Facts {
    /// The name of the project, from the Compose file.
    pub project: Option<String>,
    /// The services.
    pub services: Vec<Service>,
    /// Names of environment variables, with the file that names them.
    pub names: BTreeMap<String, String>,
    /// Routes that documents mention.
    pub routes: Vec<Route>,
    /// Names under which services are public.
    pub hosts: Vec<Host>,
}

/// A service that runs.
#[derive(Debug, Default, Clone)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub from: String,
    /// Its image.
    pub image: Option<String>,
    /// The folder that it is built in, with `/` at its end, or nothing for the repository's own.
    pub build: Option<String>,
    /// The ports that can be reached from outside, with the ports that they lead to.
    pub ports: Vec<Port>,
    /// The ports that it listens on, but that nothing outside can reach.
    pub inner: Vec<u16>,
    /// How its own health is checked.
    pub health: Option<Route>,
    /// Whether its own health is checked in any way.
    pub has_check: bool,
    /// The services that it needs.
    pub needs: Vec<String>,
    /// Its environment variables with their values as gate writes them; none where the value is not known.
    pub settings: BTreeMap<String, Option<String>>,
    /// Its command, on one line.
    pub command: String,
    /// Whether it ends when its work is done.
    pub is_job: bool,
    /// Whether its ports are those of the machine.
    pub is_on_host: bool,
    /// Whether it runs only on request.
    pub is_optional: bool,
    /// Whether Kubernetes runs it.
    pub is_in_cluster: bool,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Outside, as gate writes it.
    pub outer: String,
    /// The number outside, where it does not depend on a variable without a default.
    pub number: Option<u16>,
    /// Inside.
    pub inner: u16,
}

/// A route of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its port, where it is named.
    pub port: Option<u16>,
    /// Its path, such as `/healthz`.
    pub path: String,
    /// Where it was found.
    pub from: String,
}

/// A public name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name, as gate writes it; it may refer to environment variables.
    pub name: String,
    /// The service behind it, where that is known.
    pub service: Option<String>,
    /// Whether it is reached with TLS.
    pub is_tls: bool,
    /// The path under which it is.
    pub path: String,
    /// Where it was found.
    pub from: String,
}

impl Port {
    /// A port that is the same outside.
    pub fn same(port: u16) -> Self {
        Self { outer: port.to_string(), number: Some(port), inner: port }
    }
}

impl Service {
    /// The file that defines it.
    pub fn file(&self) -> &str {
        self.from.rsplit_once(':').map_or(&self.from, |(file, _)| file)
    }

    /// The name of its image without registry, owner and tag.
    pub fn image_name(&self) -> &str {
        let image = self.image.as_deref().unwrap_or_default();
        let image = image.split('@').next().unwrap_or_default();
        let last = image.rsplit('/').next().unwrap_or_default();
        last.split(':').next().unwrap_or_default()
    }

    /// The published port that leads to this one.
    pub fn outer(&self, inner: u16) -> Option<&str> {
        self.ports.iter().find(|port| port.inner == inner).map(|port| port.outer.as_str())
    }
}

impl Facts {
    /// The service of this name.
    pub fn service_mut(&mut self, name: &str) -> Option<&mut Service> {
        self.services.iter_mut().find(|service| service.name == name)
    }

    /// Notes that a file names a variable. The first file counts.
    pub fn name(&mut self, name: &str, from: &str) {
        self.names.entry(name.to_owned()).or_insert_with(|| from.to_owned());
    }
}
