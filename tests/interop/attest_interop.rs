//! Credentials and status lists for verifiers that others wrote, under keys made of fixed bytes, and a verifier of theirs.
//!
//! `attest_interop issue FOLDER URI`: for ES256 and EdDSA a folder each with `issuer.jwk`, `holder.jwk`, `presented` (bound to
//! `verifier.example` and `nonce-1`), `issued`, and `list-valid`, `list-revoked` and `list-suspended`, one of which is to be served
//! at URI. At `now` as the environment's LUXOR_NOW says, in seconds since 1970.
//! `attest_interop verify FOLDER`: reads `credential`, `issuer.jwk` and, where they are there, `list` and `expected.json` there, says
//! what it found, and fails when anything does not hold. A file `bound` there holds the audience and, on its next line, the nonce.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use luxor_protocol::credential::claims::{
    Aeo, AeoRole, AeoStanding, Authorisation, Coverage, Line, NationalType, TraderNumber, TraderScheme,
};
use luxor_protocol::credential::{
    Algorithm, AttestKey, AttestPublic, Attestation, Bits, ClaimPath, Demand, KeyBinding, SdJwt, Status, StatusClaims,
    StatusList, StatusReference, StatusToken, Terms, Vc, VcError,
};
use luxor_protocol::credential::{sdjwt, vc};
use serde_json::{Map, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let now = || -> Result<u64, Box<dyn Error>> { Ok(std::env::var("LUXOR_NOW")?.parse()?) };
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["issue", folder, uri] => issue(Path::new(folder), uri, now()?),
        ["verify", folder] => verify(Path::new(folder), now()?),
        _ => Err("usage: attest_interop issue FOLDER URI | verify FOLDER".into()),
    }
}

fn issue(folder: &Path, uri: &str, now: u64) -> Result<(), Box<dyn Error>> {
    for algorithm in Algorithm::ALL {
        let folder = folder.join(algorithm.name());
        fs::create_dir_all(&folder)?;
        // Keys for tests: whoever reads this can sign with them.
        let issuer = AttestKey::from_seed(algorithm, &[23; 32])?;
        // sd-jwt of PyPI verifies no other key binding than by ES256.
        let holder = AttestKey::from_seed(Algorithm::Es256, &[24; 32])?;
        let uri = format!("{uri}/{}", algorithm.name());
        let terms = Terms {
            issuer: "https://customs.example".to_owned(),
            subject: None,
            issued_at: now,
            expires: now + 86_400,
            holder: *holder.public(),
            status: StatusReference { index: 412, uri: uri.clone() },
        };
        let attestation = Attestation::Aeo(Aeo {
            authorisation: Authorisation {
                programme: Line::new("EU AEO")?,
                country: "DE".parse()?,
                national_type: NationalType::new("AEOF", Coverage::Both)?,
                standing: AeoStanding::Active,
                since: "2025-11-26".parse()?,
            },
            number: TraderNumber::new(TraderScheme::Eori, "DE1234567")?,
            legal_name: Line::new("Beispiel Großhandel GmbH")?,
            consent: Line::new("consent/2025/4711")?,
            roles: [AeoRole::Exporter, AeoRole::Importer].into(),
        });
        let count = attestation.salts(&terms)?;
        let salts: Vec<[u8; 16]> = (1..=count).map(|n| [n as u8; 16]).collect();
        let issued = attestation.issue(&terms, &salts, &issuer)?;
        let paths = [ClaimPath::names(&["eori"]), ClaimPath::from_json(&serde_json::json!(["roles", 0]))?];
        let presented = issued.present(&paths)?.bind("verifier.example", "nonce-1", now, &holder)?;
        let mut list = StatusList::new(Bits::Two, 1_000_000)?;
        for at in (5..1_000_000).step_by(1_001) {
            list.set(at, Status::Invalid)?;
        }
        let claims = StatusClaims { uri, issued_at: now, expires: Some(now + 3_600), ttl: Some(60) };
        let put = |name: &str, text: &str| fs::write(folder.join(name), text);
        put("list-valid", &list.sign(&claims, &issuer))?;
        list.set(412, Status::Invalid)?;
        put("list-revoked", &list.sign(&claims, &issuer))?;
        list.set(412, Status::Suspended)?;
        put("list-suspended", &list.sign(&claims, &issuer))?;
        put("issued", &issued.to_string())?;
        put("presented", &presented.to_string())?;
        put("issuer.jwk", &Value::Object(issuer.public().jwk()).to_string())?;
        put("holder.jwk", &Value::Object(holder.public().jwk()).to_string())?;
    }
    Ok(())
}

fn verify(folder: &Path, now: u64) -> Result<(), Box<dyn Error>> {
    let read = |name: &str| fs::read_to_string(folder.join(name));
    let key = AttestPublic::from_jwk(&serde_json::from_str::<Map<String, Value>>(&read("issuer.jwk")?)?)?;
    let credential = SdJwt::parse(read("credential")?.trim())?;
    let bound = read("bound").ok();
    let binding = match bound.as_deref().and_then(|text| text.trim_end().split_once('\n')) {
        Some((audience, nonce)) => KeyBinding::Demanded(Demand { audience, nonce, now, max_age: 300 }),
        None => KeyBinding::None,
    };
    // Without a type it is an SD-JWT and nothing more.
    let (claims, status) = match Vc::verify(&credential, &key, now, binding) {
        Ok(vc) => (None, vc.status),
        Err(VcError::SdJwt(sdjwt::SdJwtError::Jws(luxor_protocol::credential::jws::JwsError::Type { .. })))
        | Err(VcError::Claim { .. }) => {
            let types = ["example+sd-jwt", "vc+sd-jwt", vc::VC_TYPE];
            (Some(credential.verify(&types, &key, binding)?.into_claims()), None)
        }
        Err(error) => return Err(error.into()),
    };
    if let Ok(expected) = read("expected.json") {
        let found = claims.ok_or("a credential where claims were expected")?;
        let expected: Value = serde_json::from_str(&expected)?;
        if Value::Object(found.clone()) != expected {
            return Err(format!("found {}, expected {expected}", Value::Object(found)).into());
        }
    }
    println!("verified with {} disclosures", credential.disclosures().len());
    let list = PathBuf::from(folder).join("list");
    if list.exists() {
        let token = StatusToken::verify(fs::read_to_string(list)?.trim(), &key, now)?;
        let status = token.status(&status.ok_or("the credential names no status list")?)?;
        println!("status {status:?} of {}", token.list.entries());
        if status != Status::Valid {
            return Err(format!("the credential's status is {status:?}").into());
        }
    }
    Ok(())
}
