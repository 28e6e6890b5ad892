//! Certificates for tests: an authority that no machine trusts, and certificates that it issues.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::place;

/// A certificate authority of the test's own.
pub struct Authority {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as files in PEM.
pub struct Certificate {
    /// The certificate alone.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Authority {
    /// Creates an authority.
    pub fn new() -> Authority {
        let directory = place::directory("authority");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "An authority of the tests");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.self_signed(&key).expect("the parameters are valid");
        fs::write(directory.join("ca.pem"), certificate.pem()).expect("the directory is new");
        Authority { directory, issuer: Issuer::new(params, key) }
    }

    /// An intermediate authority whose own certificate is valid until a date.
    pub fn intermediate(&self, (year, month, day): (i32, u8, u8)) -> Authority {
        let directory = place::directory("authority");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "An intermediate of the tests");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_after = rcgen::date_time_ymd(year, month, day);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.issuer).expect("the parameters are valid");
        write(&directory.join("ca.pem"), &certificate.pem());
        Authority { directory, issuer: Issuer::new(params, key) }
    }

    /// The path of its own certificate, for clients to trust.
    pub fn ca(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// Issues a certificate for 127.0.0.1 and `localhost` that never expires.
    pub fn issue(&self) -> Certificate {
        self.issue_for("server", &["127.0.0.1", "localhost"], (4096, 1, 1))
    }

    /// Issues a certificate for these names and addresses, valid until a date, which may be in the past. The file names
    /// begin with `name`.
    pub fn issue_for(&self, name: &str, subjects: &[&str], (year, month, day): (i32, u8, u8)) -> Certificate {
        let subjects = subjects.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut params = CertificateParams::new(subjects).expect("the tests' names are valid");
        params.not_after = rcgen::date_time_ymd(year, month, day);
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.issuer).expect("the parameters are valid");
        let issued = Certificate {
            certificate: self.directory.join(format!("{name}.pem")),
            key: self.directory.join(format!("{name}.key")),
        };
        write(&issued.certificate, &certificate.pem());
        write(&issued.key, &key.serialize_pem());
        issued
    }
}

impl Certificate {
    /// A self-signed certificate, as most private databases have one: for 127.0.0.1, and allowed to issue others.
    pub fn self_signed() -> Certificate {
        let directory = place::directory("self-signed");
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address is a valid name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.self_signed(&key).expect("the parameters are valid");
        let made = Certificate { certificate: directory.join("self.pem"), key: directory.join("self.key") };
        write(&made.certificate, &certificate.pem());
        write(&made.key, &key.serialize_pem());
        made
    }
}

fn write(path: &Path, pem: &str) {
    fs::write(path, pem).expect("the directory is writable");
}
