//! Verifies a server like every client, but continues whatever the result, so that the certificate can be observed.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use crate::client::{Fault, trust};

/// A verifier that accepts every certificate, and remembers why it should have been refused.
#[derive(Debug)]
pub struct Observer {
    strict: Arc<dyn ServerCertVerifier>,
    verdict: Mutex<Result<(), Error>>,
}

impl Observer {
    /// One that trusts the system's certificates, and those in a file.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn new(ca: Option<&Path>) -> Result<Self, Fault> {
        let nobody = Error::General("the server showed no certificate".to_owned());
        Ok(Self { strict: trust::verifier(ca)?, verdict: Mutex::new(Err(nobody)) })
    }

    /// Why the server is not to be trusted. Nothing if it is.
    pub fn verdict(&self) -> Option<Error> {
        self.verdict.lock().expect("no holder of this lock panics").clone().err()
    }
}

impl ServerCertVerifier for Observer {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer,
        intermediates: &[CertificateDer],
        name: &ServerName,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.strict.verify_server_cert(certificate, intermediates, name, ocsp, now);
        *self.verdict.lock().expect("no holder of this lock panics") = verdict.map(|_| ());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}
