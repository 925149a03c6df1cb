//! Our own types: what everybody sees, what the holder discloses, what is refused.

use serde_json::{Value, json};

use super::{key, salts};
use crate::credential::claims::{
    Aeo, AeoRole, AeoStanding, Authorisation, Collect, Coverage, IossNumber, Levy, Line, Mandate, NationalType,
    Registration, SellerCheck, SellerLevel, TraderNumber, TraderScheme, VettedSeller, Vetting,
};
use crate::credential::sdjwt::Plan;
use crate::credential::vc::{NEVER_DISCLOSED, VC_TYPE};
use crate::credential::{
    Algorithm, Attestation, ClaimPath, ClaimsError, Credential, Demand, KeyBinding, Shown, StatusReference, Terms, Vc,
    VcError,
};

const NOW: u64 = 1_795_000_000;

fn line(text: &str) -> Line {
    Line::new(text).unwrap()
}

fn aeo() -> Aeo {
    Aeo {
        authorisation: Authorisation {
            programme: line("KR AEO"),
            country: "KR".parse().unwrap(),
            national_type: NationalType::new("AAA", Coverage::Both).unwrap(),
            standing: AeoStanding::Active,
            since: "2026-03-01".parse().unwrap(),
        },
        number: TraderNumber::new(TraderScheme::Tin, "KR1234567890").unwrap(),
        legal_name: line("Hanbit Trading Co., Ltd."),
        consent: line("consent/2026/17"),
        roles: [AeoRole::Exporter, AeoRole::Manufacturer].into(),
    }
}

fn all() -> [Attestation; 3] {
    let seller = VettedSeller {
        vetting: Vetting {
            checks: [SellerCheck::Identity, SellerCheck::BankAccount].into(),
            level: SellerLevel::Documented,
            since: "2025-11-26".parse().unwrap(),
            incidents: 2,
        },
        seller: line("shop-4711"),
        legal_name: line("Example Shop GmbH"),
    };
    let collect = Collect {
        mandate: Mandate {
            territory: "EU".parse().unwrap(),
            levy: Levy::Tax,
            from: "2026-01-01".parse().unwrap(),
            until: Some("2026-12-31".parse().unwrap()),
        },
        registration: Registration::Ioss(IossNumber::new("IM2760000742").unwrap()),
        legal_name: line("Example Marketplace Ltd"),
    };
    [Attestation::Aeo(aeo()), Attestation::VettedSeller(seller), Attestation::Collect(collect)]
}

fn terms() -> Terms {
    Terms {
        issuer: "urn:luxor:member:customs-kr".to_owned(),
        subject: Some("trader-1".to_owned()),
        issued_at: NOW,
        expires: NOW + 86_400,
        holder: *key(Algorithm::Es256, 2).public(),
        status: StatusReference { index: 412, uri: "https://status.example/1".to_owned() },
    }
}

#[test]
fn each_type_is_issued_presented_and_read() {
    for (algorithm, attestation) in Algorithm::ALL.into_iter().flat_map(|of| all().map(|one| (of, one))) {
        let (issuer, holder, terms) = (key(algorithm, 1), key(Algorithm::Es256, 2), terms());
        let salts = salts(attestation.salts(&terms).unwrap());
        let issued = attestation.issue(&terms, &salts, &issuer).unwrap();
        let whole = Credential::verify(&issued, issuer.public(), NOW, KeyBinding::None).unwrap();
        assert_eq!(whole.terms, terms);
        let demand = KeyBinding::Demanded(Demand { audience: "customs-de", nonce: "7", now: NOW + 9, max_age: 60 });
        let bare = issued.present(&[]).unwrap().bind("customs-de", "7", NOW + 5, &holder).unwrap();
        let bare = Credential::verify(&bare, issuer.public(), NOW + 9, demand).unwrap();
        assert_eq!(bare.terms, Terms { subject: None, ..terms });
        match (attestation, whole.shown, bare.shown) {
            (Attestation::Aeo(of), Shown::Aeo(whole), Shown::Aeo(bare)) => {
                assert_eq!((&whole.authorisation, &bare.authorisation), (&of.authorisation, &of.authorisation));
                assert_eq!((whole.number, whole.legal_name), (Some(of.number), Some(of.legal_name)));
                assert_eq!((whole.consent, whole.roles), (Some(of.consent), of.roles));
                assert_eq!((bare.number, bare.legal_name, bare.consent, bare.roles.len()), (None, None, None, 0));
            }
            (Attestation::VettedSeller(of), Shown::VettedSeller(whole), Shown::VettedSeller(bare)) => {
                assert_eq!((&whole.vetting, &bare.vetting), (&of.vetting, &of.vetting));
                assert_eq!((whole.seller, whole.legal_name), (Some(of.seller), Some(of.legal_name)));
                assert_eq!((bare.seller, bare.legal_name), (None, None));
            }
            (Attestation::Collect(of), Shown::Collect(whole), Shown::Collect(bare)) => {
                assert_eq!((&whole.mandate, &bare.mandate), (&of.mandate, &of.mandate));
                assert_eq!((whole.registration, whole.legal_name), (Some(of.registration), Some(of.legal_name)));
                assert_eq!((bare.registration, bare.legal_name), (None, None));
            }
            _ => panic!("another type was read"),
        }
    }
}

#[test]
fn one_role_and_the_number_are_shown_alone() {
    let (issuer, attestation, terms) = (key(Algorithm::Es256, 1), Attestation::Aeo(aeo()), terms());
    let issued = attestation.issue(&terms, &salts(6), &issuer).unwrap();
    let paths = [json!(["tin"]), json!(["roles", 1])].map(|path| ClaimPath::from_json(&path).unwrap());
    let shown = Credential::verify(&issued.present(&paths).unwrap(), issuer.public(), NOW, KeyBinding::None).unwrap();
    let Shown::Aeo(shown) = shown.shown else { panic!("another type") };
    assert_eq!(shown.roles, [AeoRole::Exporter].into());
    assert_eq!((shown.number.unwrap().as_str(), shown.legal_name), ("KR1234567890", None));
}

#[test]
fn the_types_of_the_eu_cover_what_they_cover() {
    for (name, coverage) in [("AEOC", Coverage::Simplification), ("AEOS", Coverage::Security), ("AEOF", Coverage::Both)]
    {
        assert!(Coverage::ALL.iter().all(|other| NationalType::new(name, *other).is_ok() == (*other == coverage)));
    }
    assert!(!Coverage::Simplification.security() && !Coverage::Security.simplification());
}

#[test]
fn a_week_is_the_longest_life() {
    let attestation = Attestation::Aeo(aeo());
    for (expires, life) in [(NOW, Some(0)), (NOW - 1, Some(-1)), (NOW + 604_801, Some(604_801)), (NOW + 604_800, None)]
    {
        let found = attestation.issue(&Terms { expires, ..terms() }, &salts(6), &key(Algorithm::Es256, 1));
        assert_eq!(found.err(), life.map(ClaimsError::Life));
    }
    let issued = attestation.issue(&terms(), &salts(6), &key(Algorithm::Es256, 1)).unwrap();
    let at = |now| Credential::verify(&issued, key(Algorithm::Es256, 1).public(), now, KeyBinding::None);
    assert!(at(NOW - 60).is_ok() && at(NOW + 86_459).is_ok());
    for now in [NOW - 61, NOW + 86_460] {
        assert!(matches!(at(now), Err(ClaimsError::Vc(VcError::Time { .. }))), "{now}");
    }
}

#[test]
fn what_decides_is_never_disclosed_selectively() {
    let issuer = key(Algorithm::Es256, 1);
    let payload = json!({
        "vct": "urn:x:1", "iss": "urn:i", "nbf": 1, "exp": NOW, "status": { "status_list": { "idx": 1, "uri": "u" } },
        "cnf": { "jwk": issuer.public().jwk() }, "vct#integrity": "x", "aka_vcts": ["urn:y"], "sub": "s", "iat": 1,
    });
    let payload = payload.as_object().unwrap();
    let verify = |paths: &[ClaimPath]| {
        let plan = Plan::new(payload.clone(), paths, &[]).unwrap();
        let issued = plan.issue(VC_TYPE, &salts(plan.salts()), &issuer).unwrap();
        Vc::verify(&issued, issuer.public(), NOW, KeyBinding::None)
    };
    assert!(verify(&[ClaimPath::names(&["sub"]), ClaimPath::names(&["iat"])]).is_ok());
    for name in NEVER_DISCLOSED {
        assert_eq!(verify(&[ClaimPath::names(&[name])]), Err(VcError::Disclosed(name.to_owned())));
    }
    let inside = ClaimPath::names(&["status", "status_list", "idx"]);
    assert_eq!(verify(&[inside]), Err(VcError::Disclosed("status".to_owned())));
    let vc = verify(&[]).unwrap();
    assert_eq!(vc.plan(&[ClaimPath::names(&["exp"])], &[]), Err(VcError::Disclosed("exp".to_owned())));
}

#[test]
fn claims_that_contradict_or_are_unknown_are_refused_by_name() {
    let (issuer, base) = (key(Algorithm::Es256, 1), terms());
    let change = |attestation: &Attestation, name: &str, value: Value| {
        let issued = attestation.issue(&base, &salts(attestation.salts(&base).unwrap()), &issuer).unwrap();
        let mut vc = Vc::verify(&issued, issuer.public(), NOW, KeyBinding::None).unwrap();
        match value {
            Value::Null => vc.claims.remove(name),
            value => vc.claims.insert(name.to_owned(), value),
        };
        Credential::read(vc).unwrap_err()
    };
    let [aeo, seller, collect] = all();
    assert_eq!(change(&aeo, "covers_security", json!("yes")), ClaimsError::Value("covers_security"));
    assert_eq!(change(&aeo, "national_type", json!("AEOC")), ClaimsError::Value("national_type"));
    assert_eq!(change(&aeo, "standing", Value::Null), ClaimsError::Missing("standing"));
    assert_eq!(change(&aeo, "eori", json!("DE123")), ClaimsError::Value("eori"));
    assert_eq!(change(&aeo, "roles", json!(["importer", "importer"])), ClaimsError::Value("roles"));
    assert_eq!(change(&aeo, "benefits", json!([])), ClaimsError::Unknown("benefits".to_owned()));
    assert_eq!(change(&seller, "checks", json!([])), ClaimsError::Value("checks"));
    assert_eq!(change(&seller, "incidents", json!(-1)), ClaimsError::Value("incidents"));
    assert_eq!(change(&collect, "until", json!("2025-12-31")), ClaimsError::Value("until"));
    assert_eq!(change(&collect, "ioss", json!("IM12")), ClaimsError::Value("ioss"));
    assert_eq!(change(&collect, "registration", json!("X")), ClaimsError::Value("registration"));
    let Attestation::Collect(mut of) = collect else { panic!("no mandate") };
    of.mandate.until = Some("2025-12-31".parse().unwrap());
    let refused = Attestation::Collect(of).issue(&base, &salts(3), &issuer);
    assert_eq!(refused.err(), Some(ClaimsError::Value("until")));
    assert!(Line::new(" x").is_err() && Line::new("a\nb").is_err() && Line::new(&"x".repeat(513)).is_err());
    assert!(TraderNumber::new(TraderScheme::Eori, "GB12").is_err());
}
