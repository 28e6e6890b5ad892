//! Whom a TLS client of ours trusts: the system's certificates and one more file, or anybody.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::{Fault, file};

/// A client that verifies servers, or does not.
///
/// # Errors
/// When the certificate file can't be read.
pub fn config(ca: Option<&Path>, insecure: bool) -> Result<Arc<ClientConfig>, Fault> {
    Ok(Arc::new(with_verifier(if insecure { unverified() } else { verifier(ca)? })))
}

/// What accepts any certificate.
pub fn unverified() -> Arc<dyn ServerCertVerifier> {
    Arc::new(Unverified(Arc::new(ring::default_provider())))
}

/// A client that leaves it to this one whom it trusts.
pub fn with_verifier(verifier: Arc<dyn ServerCertVerifier>) -> ClientConfig {
    builder(verifier).with_no_client_auth()
}

/// The same with a certificate of the client's own.
///
/// # Errors
/// When the key is not that of the certificate.
pub fn with_client_certificate(
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

/// What trusts the system's certificates, and those in a file.
///
/// # Errors
/// When the file can't be read.
pub fn verifier(ca: Option<&Path>) -> Result<Arc<dyn ServerCertVerifier>, Fault> {
    let extra = ca.map(certificates).transpose()?.unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(extra, Arc::new(ring::default_provider()));
    let unread = |error| Fault::new(format!("cannot read the certificates that this machine trusts: {error}"));
    Ok(Arc::new(verifier.map_err(unread)?))
}

/// The certificates in a PEM file.
///
/// # Errors
/// When the file can't be read, or holds none.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let pem = file::read(file, file::MAX_PEM)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    if certificates.is_empty() {
        let fault = Fault::new(format!("`{}` holds no certificate", file.display()));
        return Err(fault.help("`ca` wants PEM: `-----BEGIN CERTIFICATE-----` and so on"));
    }
    Ok(certificates)
}

/// Accepts any certificate, but only from who holds its key.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer,
        _intermediates: &[CertificateDer],
        _name: &ServerName,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
