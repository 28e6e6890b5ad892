//! Which certificates a database server may have.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ring, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use crate::client::{Fault, trust};

/// How much of a certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Nothing: the connection is only encrypted.
    Nothing,
    /// Its issuer.
    Issuer,
    /// Its issuer and its name.
    All,
}

/// The files that belong to a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Certificates to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// The client's certificate.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
}

/// A client that verifies this much.
///
/// # Errors
/// When a file can't be read.
pub fn config(verify: Verify, files: &Files) -> anyhow::Result<ClientConfig> {
    let pinned = files.ca.as_deref().map(trust::certificates).transpose()?.unwrap_or_default();
    let verifier = match verify {
        Verify::Nothing => trust::unverified(),
        Verify::Issuer | Verify::All => {
            Arc::new(Pinned { others: trust::verifier(files.ca.as_deref())?, pinned, verify }) as Arc<_>
        }
    };
    let Some(certificate) = &files.certificate else { return Ok(trust::with_verifier(verifier)) };
    let key = files.key.as_deref().ok_or_else(|| {
        Fault::new("the URL names a client certificate, but not its key")
            .help("add `sslkey=FILE` (MySQL: `ssl-key=FILE`)")
    })?;
    Ok(trust::identified(verifier, certificate, key)?)
}

/// Accepts a certificate that is pinned, regardless of its issuer, and others if they verify. A self-signed
/// certificate, as most private databases have one, is not a proper issuer, and often has an old format.
#[derive(Debug)]
struct Pinned {
    others: Arc<dyn ServerCertVerifier>,
    pinned: Vec<CertificateDer<'static>>,
    verify: Verify,
}

impl Pinned {
    fn is_pinned(&self, certificate: &CertificateDer) -> bool {
        self.pinned.iter().any(|pinned| pinned == certificate)
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer,
        intermediates: &[CertificateDer],
        name: &ServerName,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.is_pinned(certificate) {
            let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
            let now = i64::try_from(now.as_secs()).ok().and_then(|now| ASN1Time::from_timestamp(now).ok());
            return match now.filter(|now| *now <= parsed.validity().not_after) {
                Some(_) => Ok(ServerCertVerified::assertion()),
                None => Err(CertificateError::Expired.into()),
            };
        }
        match self.others.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is checked last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.verify == Verify::Issuer => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.others.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if !self.is_pinned(certificate) {
            return self.others.verify_tls13_signature(message, certificate, signature);
        }
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let key = SubjectPublicKeyInfoDer::from(parsed.tbs_certificate.subject_pki.raw);
        let algorithms = ring::default_provider().signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.others.supported_verify_schemes()
    }
}
