//! The certificates that a TLS client trusts: the system's and one more file, or all; and the chains that servers sent.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, OtherError, SignatureScheme,
};
use rustls_platform_verifier::Verifier;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::dial::Wire;
use super::{Fault, file};

/// How long a server may be silent before it counts as one without TLS.
const PATIENCE: Duration = Duration::from_secs(2);

/// A client that verifies servers, or does not.
///
/// # Errors
/// When the certificate file can't be read.
pub fn config(ca: Option<&Path>, insecure: bool) -> Result<ClientConfig, Fault> {
    Ok(with_verifier(if insecure { unverified() } else { verifier(ca)? }))
}

/// The same, and the certificates that servers send are kept. `identity` are the files of the client's own certificate and
/// of its key.
///
/// # Errors
/// When a file can't be read.
pub fn recording(
    ca: Option<&Path>,
    insecure: bool,
    identity: Option<(&Path, &Path)>,
    chains: &Chains,
) -> Result<ClientConfig, Fault> {
    let inner = if insecure { unverified() } else { verifier(ca)? };
    let verifier = Arc::new(Recording { inner, chains: chains.clone() });
    match identity {
        None => Ok(with_verifier(verifier)),
        Some((certificate, key)) => identified(verifier, certificate, key),
    }
}

/// A client that shows a certificate of its own.
///
/// # Errors
/// When a file can't be read, or the key is not that of the certificate.
pub fn identified(
    verifier: Arc<dyn ServerCertVerifier>,
    certificate: &Path,
    key: &Path,
) -> Result<ClientConfig, Fault> {
    let chain = certificates(certificate)?;
    with_client_certificate(verifier, chain, private_key(key)?)
        .map_err(|_| Fault::new(format!("`{}` is not the key of `{}`", key.display(), certificate.display())))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
    PrivateKeyDer::from_pem_slice(&file::read(path, file::MAX_PEM)?).map_err(|_| {
        Fault::new(format!("no private key in `{}`", path.display()))
            .help("PEM without a password is needed: `-----BEGIN PRIVATE KEY-----`")
    })
}

/// A verifier that accepts any certificate.
pub fn unverified() -> Arc<dyn ServerCertVerifier> {
    Arc::new(Unverified)
}

/// A client with this verifier.
pub fn with_verifier(verifier: Arc<dyn ServerCertVerifier>) -> ClientConfig {
    builder(verifier).with_no_client_auth()
}

/// The same with a certificate of the client's own.
fn with_client_certificate(
    verifier: Arc<dyn ServerCertVerifier>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig, Error> {
    builder(verifier).with_client_auth_cert(chain, key)
}

fn builder(verifier: Arc<dyn ServerCertVerifier>) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
}

/// A verifier that trusts the system's certificates, and those in a file: as authorities, and each as that very server's.
///
/// # Errors
/// When the file can't be read.
pub fn verifier(ca: Option<&Path>) -> Result<Arc<dyn ServerCertVerifier>, Fault> {
    let pinned = ca.map(certificates).transpose()?.unwrap_or_default();
    let strict = Verifier::new_with_extra_roots(pinned.clone(), Arc::new(ring::default_provider()))
        // A certificate of an old format can't be an authority, but can be a server's own.
        .or_else(|_| Verifier::new(Arc::new(ring::default_provider())));
    let strict = strict.map_err(|_| Fault::new("cannot read the certificates that this machine trusts"))?;
    Ok(Arc::new(Pinning { strict, pinned }))
}

/// The certificates in a PEM file.
///
/// # Errors
/// When the file can't be read, or holds none.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let help = "check the path: a relative one starts at the folder that contains `checklists/`";
    let pem = file::read(file, file::MAX_PEM).map_err(|fault| fault.help(help))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    if certificates.is_empty() {
        let fault = Fault::new(format!("`{}` contains no certificate", file.display()));
        return Err(fault.help("`ca` wants PEM: `-----BEGIN CERTIFICATE-----` and so on"));
    }
    Ok(certificates)
}

/// The certificates that servers have sent behind their own, by that one. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct Chains(Arc<Mutex<Sent>>);

type Sent = HashMap<Vec<u8>, Vec<Vec<u8>>>;

impl Chains {
    /// Those that came behind this one.
    pub fn behind(&self, own: &[u8]) -> Vec<Vec<u8>> {
        self.0.lock().expect("no holder of this lock panics").get(own).cloned().unwrap_or_default()
    }

    fn keep(&self, own: &CertificateDer, others: &[CertificateDer]) {
        let others = others.iter().map(|other| other.to_vec()).collect();
        self.0.lock().expect("no holder of this lock panics").insert(own.to_vec(), others);
    }
}

/// A certificate is its own issuer, and not trusted.
#[derive(Debug)]
struct SelfSigned;

impl std::fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("self-signed")
    }
}

impl std::error::Error for SelfSigned {}

/// Whether a certificate was refused because it is its own issuer.
pub fn is_self_signed(problem: &CertificateError) -> bool {
    matches!(problem, CertificateError::Other(OtherError(other)) if other.is::<SelfSigned>())
}

/// Whether a certificate is its own issuer.
fn is_own_issuer(own: &CertificateDer) -> bool {
    parsed(own).is_ok_and(|own| own.subject() == own.issuer())
}

/// Trusts as the system does, and a server whose certificate is one of those in the file: rustls itself takes none that is
/// an authority's or of the first version of X.509.
#[derive(Debug)]
struct Pinning {
    strict: Verifier,
    pinned: Vec<CertificateDer<'static>>,
}

/// Accepts any certificate, but only with a proof of its key.
#[derive(Debug)]
struct Unverified;

/// Keeps the certificates that servers send.
#[derive(Debug)]
struct Recording {
    inner: Arc<dyn ServerCertVerifier>,
    chains: Chains,
}

impl ServerCertVerifier for Pinning {
    fn verify_server_cert(
        &self,
        own: &CertificateDer,
        others: &[CertificateDer],
        name: &ServerName,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.strict.verify_server_cert(own, others, name, ocsp, now) {
            Err(Error::InvalidCertificate(_)) if self.pinned.contains(own) => pinned(own, name, now),
            // One that is an authority is refused before anybody asks who issued it.
            Err(Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadEncoding | CertificateError::Other(_),
            )) if is_own_issuer(own) => Err(CertificateError::Other(OtherError(Arc::new(SelfSigned))).into()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signed12(message, own, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signed13(message, own, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _own: &CertificateDer,
        _others: &[CertificateDer],
        _name: &ServerName,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signed12(message, own, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signed13(message, own, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

impl ServerCertVerifier for Recording {
    fn verify_server_cert(
        &self,
        own: &CertificateDer,
        others: &[CertificateDer],
        name: &ServerName,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.chains.keep(own, others);
        self.inner.verify_server_cert(own, others, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, own, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, own, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Whether a certificate that the checklist names is valid for this server, and now.
fn pinned(own: &CertificateDer, name: &ServerName, now: UnixTime) -> Result<ServerCertVerified, Error> {
    let certificate = parsed(own)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now > certificate.validity().not_after.timestamp() {
        return Err(CertificateError::Expired.into());
    }
    if now < certificate.validity().not_before.timestamp() {
        return Err(CertificateError::NotValidYet.into());
    }
    let names = names(&certificate);
    // Version 1 of X.509 has no names other than the subject.
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let is_good = |known: &str| match name {
        ServerName::DnsName(name) => is_name(known, name.as_ref()),
        ServerName::IpAddress(address) => known.parse() == Ok(IpAddr::from(*address)),
        _ => false,
    };
    let is_named =
        if names.is_empty() { common.into_iter().any(is_good) } else { names.iter().any(|name| is_good(name)) };
    if is_named { Ok(ServerCertVerified::assertion()) } else { Err(CertificateError::NotValidForName.into()) }
}

/// The names and addresses that a certificate is valid for.
pub fn names(certificate: &X509Certificate) -> Vec<String> {
    let names = certificate.subject_alternative_name().ok().flatten();
    names.map(|names| names.value.general_names.iter().filter_map(name).collect()).unwrap_or_default()
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string());
            v4.or_else(|| Some(IpAddr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()))
        }
        _ => None,
    }
}

/// Whether a name of a certificate, perhaps with `*` as its first part, is that of a host.
fn is_name(known: &str, host: &str) -> bool {
    match (known.strip_prefix("*."), host.split_once('.')) {
        (Some(known), Some((_, host))) => known.eq_ignore_ascii_case(host),
        _ => known.eq_ignore_ascii_case(host),
    }
}

fn parsed<'a>(own: &'a CertificateDer) -> Result<X509Certificate<'a>, Error> {
    X509Certificate::from_der(own).map(|(_, certificate)| certificate).map_err(|_| CertificateError::BadEncoding.into())
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    ring::default_provider().signature_verification_algorithms
}

/// Whether the server holds the key of its certificate, of any version of X.509.
fn signed12(
    message: &[u8],
    own: &CertificateDer,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls12_signature(message, own, signature, &algorithms()).or_else(|error| {
        let certificate = parsed(own)?;
        let key = &certificate.public_key().subject_public_key.data;
        let algorithms = algorithms();
        let fitting = algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signature.scheme);
        let mut fitting = fitting.flat_map(|(_, algorithms)| algorithms.iter());
        match fitting.any(|algorithm| algorithm.verify_signature(key, message, signature.signature()).is_ok()) {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(error),
        }
    })
}

/// The same in TLS 1.3.
fn signed13(
    message: &[u8],
    own: &CertificateDer,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls13_signature(message, own, signature, &algorithms()).or_else(|_| {
        let certificate = parsed(own)?;
        let key = SubjectPublicKeyInfoDer::from(certificate.public_key().raw);
        verify_tls13_signature_with_raw_key(message, &key, signature, &algorithms())
    })
}

/// Whether the server of a connection supports TLS. One that requires a client certificate does, too.
pub async fn speaks_tls(host: &str, stream: Wire) -> bool {
    let asking = async {
        let config = Arc::new(config(None, true).ok()?);
        let name = ServerName::try_from(host.to_owned()).ok()?;
        let error = match TlsConnector::from(config).connect(name, stream).await {
            Ok(_) => return Some(()),
            Err(error) => error,
        };
        matches!(error.get_ref()?.downcast_ref()?, Error::AlertReceived(_)).then_some(())
    };
    timeout(PATIENCE, asking).await.ok().flatten().is_some()
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_star_matches_one_label_of_a_name() {
        assert!(is_name("*.example", "api.example") && is_name("API.example", "api.example"));
        assert!(!is_name("*.example", "a.b.example") && !is_name("*.example", "example") && !is_name("*", "example"));
    }
}
