//! What the invented authority issues, checked by another parser and by its keys.

use super::*;
use rsa::sha2::Digest;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

fn parse(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).unwrap().1
}

#[test]
fn certificates_look_like_jpki_and_chain_by_key() {
    let old = JpkiAuthority::generate(1).unwrap();
    let new = JpkiAuthority::generate(2).unwrap();
    let credential = new.issue(Validity::valid_at(Timestamp::now())).unwrap();
    let certificate = parse(credential.certificate_der());
    assert_eq!(
        certificate.issuer().to_string(),
        "C=JP, O=JPKI, OU=JPKI for user authentication, \
         OU=Japan Agency for Local Authority Information Systems"
    );
    assert!(certificate.subject().to_string().starts_with("C=JP, CN="));
    assert_eq!(certificate.raw_serial_as_string().replace(':', ""), credential.serial_hex());
    let usage = certificate.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.flags == 1, "digitalSignature alone, critical");
    let policies = certificate
        .extensions()
        .iter()
        .find_map(|e| match e.parsed_extension() {
            ParsedExtension::CertificatePolicies(p) => Some(p),
            _ => None,
        })
        .unwrap();
    assert_eq!(policies[0].policy_id.to_id_string(), USER_AUTHENTICATION_POLICY);
    let (old_ca, new_ca) = (parse(old.certificate_der()), parse(credential.ca_certificate_der()));
    assert_eq!(old_ca.subject(), new_ca.subject());
    let key_of = |ca: &X509Certificate<'_>| RsaPublicKey::from_public_key_der(ca.public_key().raw).unwrap();
    let digest = Sha256::digest(certificate.tbs_certificate.as_ref());
    let signature = &certificate.signature_value.data;
    use rsa::pkcs8::DecodePublicKey;
    assert!(key_of(&new_ca).verify(Pkcs1v15Sign::new::<Sha256>(), &digest, signature).is_ok());
    assert!(key_of(&old_ca).verify(Pkcs1v15Sign::new::<Sha256>(), &digest, signature).is_err());
    for der in [credential.certificate_der(), credential.ca_certificate_der()] {
        assert_eq!(&der[..2], &[0x30, 0x82], "OpenSC measures the file by this header");
    }
}

#[test]
fn validity_is_what_was_asked_for() {
    let now = Timestamp::now();
    let authority = JpkiAuthority::generate(1).unwrap();
    let live = authority.issue(Validity::valid_at(now)).unwrap();
    let dead = authority.issue(Validity::expired_at(now, 30)).unwrap();
    assert!(parse(live.certificate_der()).validity().is_valid());
    let validity = parse(dead.certificate_der()).validity().clone();
    assert_eq!(validity.not_after.timestamp(), now.as_second() - 30 * 86_400);
}

#[test]
fn a_saved_authority_comes_back_as_itself() {
    let folder = tempfile::tempdir().unwrap();
    let authority = JpkiAuthority::generate(3).unwrap();
    authority.save(folder.path()).unwrap();
    let again = JpkiAuthority::load(folder.path(), 3).unwrap();
    assert_eq!(authority.certificate_der(), again.certificate_der());
    assert_eq!(authority.0.signer.as_ref(), again.0.signer.as_ref());
    assert!(matches!(JpkiAuthority::load(folder.path(), 4), Err(JpkiError::File { .. })));
}

#[test]
fn a_digest_info_is_signed_as_it_is_and_one_too_long_is_refused() {
    let authority = JpkiAuthority::generate(1).unwrap();
    let credential = authority.issue(Validity::valid_at(Timestamp::now())).unwrap();
    let data = [0x5A; 51];
    let signature = credential.sign_digest_info(&data).unwrap();
    let public = RsaPublicKey::from(&credential.0.key);
    public.verify(Pkcs1v15Sign::new_unprefixed(), &data, &signature).unwrap();
    assert!(matches!(credential.sign_digest_info(&[0; 246]), Err(JpkiError::Sign(_))));
}

#[test]
fn a_ward_full_of_cards_is_issued_in_seconds() {
    let begun = std::time::Instant::now();
    let authority = JpkiAuthority::generate(1).unwrap();
    let cards = authority.issue_many(Validity::valid_at(Timestamp::now()), 16).unwrap();
    println!("16 cards in {:?}", begun.elapsed());
    assert_eq!(cards.len(), 16);
    let mut serials: Vec<_> = cards.iter().map(CardCredential::serial_hex).collect();
    serials.sort_unstable();
    serials.dedup();
    assert_eq!(serials.len(), 16);
}
