//! The archive's own certificate authority: one server certificate, client certificates for machines. Sites that have a
//! PKI put their own files in `keys/tls`.

use super::{Error, io};
use crate::home::{Home, make_private_folder, write_private, write_public};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use std::io::Read;

/// What the gateway needs, as PEM.
pub struct Tls {
    /// Server certificate and its issuer.
    pub chain: String,
    /// Server key.
    pub key: String,
    /// Authority of client certificates.
    pub ca: String,
}

/// One PEM file, bytes.
const PEM_BYTES: u64 = 1 << 20;

fn failed(error: rcgen::Error) -> Error {
    Error::Certificates(error.to_string())
}

fn named(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// Makes authority, server certificate and one for each machine named; answers the SHA-256 of the latter, in order.
///
/// # Errors
/// The system's; nothing is overwritten.
pub fn make(home: &Home, machines: &[(&str, &str)]) -> Result<Vec<String>, Error> {
    make_private_folder(&home.key("tls")).map_err(io("keys/tls"))?;
    let ca_key = KeyPair::generate().map_err(failed)?;
    let mut ca = CertificateParams::default();
    ca.distinguished_name = named("Gauze archive authority");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_pem = ca.self_signed(&ca_key).map_err(failed)?.pem();
    let issuer = Issuer::new(ca, &ca_key);
    write(home, "ca.pem", &ca_pem)?;
    write(home, "ca.key", &ca_key.serialize_pem())?;

    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let mut server = CertificateParams::new(names).map_err(failed)?;
    server.distinguished_name = named("Gauze");
    // It also calls: C-MOVE and reports go out under the archive's own certificate.
    server.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let server_key = KeyPair::generate().map_err(failed)?;
    let certificate = server.signed_by(&server_key, &issuer).map_err(failed)?;
    write(home, "server.pem", &(certificate.pem() + &ca_pem))?;
    write(home, "server.key", &server_key.serialize_pem())?;
    machines.iter().map(|machine| make_machine(home, &issuer, *machine)).collect()
}

/// A machine's certificate: it calls, and it is called.
fn make_machine(
    home: &Home,
    issuer: &Issuer<'_, &KeyPair>,
    (file, common): (&str, &str),
) -> Result<String, Error> {
    let names = ["localhost", "127.0.0.1"].map(str::to_owned).to_vec();
    let mut machine = CertificateParams::new(names).map_err(failed)?;
    machine.distinguished_name = named(common);
    machine.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = machine.signed_by(&key, issuer).map_err(failed)?;
    write(home, &format!("{file}.pem"), &certificate.pem())?;
    write(home, &format!("{file}.key"), &key.serialize_pem())?;
    Ok(crypto::sha256(certificate.der()).iter().map(|b| format!("{b:02x}")).collect())
}

fn write(home: &Home, name: &str, pem: &str) -> Result<(), Error> {
    let path = home.key(&format!("tls/{name}"));
    let private = name.ends_with(".key");
    if private { write_private(&path, pem.as_bytes()) } else { write_public(&path, pem.as_bytes()) }
        .map_err(io("keys/tls"))
}

/// Reads what the gateway needs.
///
/// # Errors
/// The system's.
pub fn read(home: &Home) -> Result<Tls, Error> {
    let text = |name: &str| -> Result<String, Error> {
        let mut text = String::new();
        let file = std::fs::File::open(home.key(&format!("tls/{name}"))).map_err(io("keys/tls"))?;
        file.take(PEM_BYTES).read_to_string(&mut text).map_err(io("keys/tls"))?;
        Ok(text)
    };
    Ok(Tls { chain: text("server.pem")?, key: text("server.key")?, ca: text("ca.pem")? })
}
