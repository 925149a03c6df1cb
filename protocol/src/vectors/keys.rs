//! `keys.json`: keys of every use with their ids and text forms, signature frames, and what is refused.

use super::json::{Json, bytes, file, object};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyUse, PublicKey, SecretKey, signed_bytes};

/// The order of the group, little-endian: adding it to S gives another spelling of the same signature.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn key(purpose: KeyUse, number: u8) -> SecretKey {
    SecretKey::from_seed(purpose, &[number; 32]).unwrap()
}

fn of_every_use() -> Vec<Json> {
    let cases = KeyUse::ALL.iter().enumerate().map(|(at, purpose)| {
        let secret = key(*purpose, at as u8 + 1);
        object! {
            "name" => format!("{} key", purpose.name()), "kind" => "key", "use" => purpose.name(),
            "seed" => bytes(*secret.seed()), "public" => bytes(secret.public().bytes()),
            "text" => secret.public().to_string(), "file" => secret.to_text().as_str(),
            "id" => bytes(secret.public().id().0),
        }
    });
    cases.collect()
}

fn bad_keys() -> Vec<Json> {
    let point = |hex: &str| crate::hash::unhex(hex).unwrap();
    let zeros = "00".repeat(31);
    let bad: [(&str, Vec<u8>); 5] = [
        ("the neutral point", point(&format!("01{zeros}"))),
        ("the point of order two", point(&format!("ec{}7f", "ff".repeat(30)))),
        ("a point of order four", point(&format!("00{zeros}"))),
        ("a point of order eight", point("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")),
        ("no point at all", point(&format!("02{zeros}"))),
    ];
    let cases = bad.into_iter().map(|(name, public)| {
        let public: [u8; 32] = public.try_into().unwrap();
        assert!(PublicKey::new(KeyUse::Sign, &public).is_err(), "{name}");
        object! { "name" => format!("refused: {name}"), "kind" => "bad_key", "public" => bytes(public) }
    });
    cases.collect()
}

fn bad_texts() -> Vec<Json> {
    let good = key(KeyUse::Sign, 2).public().to_string();
    let bad = [
        ("another use", good.replace("sign:", "log:")),
        ("no use", good.replace("sign:", "")),
        ("one character less", good[..good.len() - 1].to_owned()),
        ("padding", format!("{good}=")),
        ("the other base64 alphabet", format!("sign:{}", "+".repeat(43))),
        ("bits beyond the last byte", format!("{}{}", &good[..good.len() - 1], "9")),
    ];
    let cases = bad.into_iter().map(|(name, text)| {
        assert!(PublicKey::parse(KeyUse::Sign, &text).is_err(), "{name}: {text}");
        object! { "name" => format!("refused text: {name}"), "kind" => "bad_key_text", "use" => "sign", "text" => text }
    });
    cases.collect()
}

fn frames() -> Vec<Json> {
    let network = Digest([0x4e; 32]);
    let frames = [
        ("a document", KeyUse::Identity, Domain::Document, network, [0x0d; 32].to_vec()),
        ("the founding charter", KeyUse::Identity, Domain::Document, Digest::ZERO, [0x0c; 32].to_vec()),
        ("a batch", KeyUse::Sign, Domain::Batch, network, b"an encoded batch header".to_vec()),
        ("a dispatch", KeyUse::Sign, Domain::Dispatch, network, [0xd1; 32].to_vec()),
    ];
    let mut cases = Vec::new();
    for (name, purpose, domain, network, body) in frames {
        let secret = key(purpose, 9);
        let signature = secret.sign(domain, &network, &body);
        let frame = |name: &str, domain: Domain, network: Digest, body: &[u8], signature: [u8; 64]| {
            let holds = secret.public().verify(domain, &network, body, &signature).is_ok();
            let case = object! {
                "name" => name, "kind" => "signature", "use" => purpose.name(), "seed" => bytes(*secret.seed()),
                "public" => bytes(secret.public().bytes()), "domain" => domain.text(), "network" => bytes(network.0),
                "body" => bytes(body),
            };
            let signed = signed_bytes(domain, &network, &secret.public().id(), body);
            case.with("signed", bytes(signed)).with("signature", bytes(signature)).with("holds", holds)
        };
        cases.push(frame(&format!("signature of {name}"), domain, network, &body, signature));
        if domain != Domain::Batch {
            continue;
        }
        let mut flipped = signature;
        flipped[0] ^= 1;
        // S + L: the same signature to a reader that does not insist on S below the order.
        let mut again = signature;
        let mut carry = 0u16;
        for (digit, order) in again[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*digit) + u16::from(order);
            (*digit, carry) = (carry as u8, carry >> 8);
        }
        let mut small = [0; 64];
        small[0] = 1;
        cases.extend([
            frame("refused: a bit of the signature", domain, network, &body, flipped),
            frame("refused: S not below the order", domain, network, &body, again),
            frame("refused: R of small order and S zero", domain, network, &body, small),
            frame("refused: another domain", Domain::Dispatch, network, &body, signature),
            frame("refused: another network", domain, Digest([0x4f; 32]), &body, signature),
            frame("refused: another body", domain, network, b"an encoded batch headeR", signature),
        ]);
    }
    cases
}

#[test]
fn keys() {
    let cases = [of_every_use(), bad_keys(), bad_texts(), frames()].concat();
    let about = "SPEC.md section 3. 'key': public bytes, id and text forms of a seed (secret, here for the test only). \
                 'signature': the bytes signed, made with the seed, and whether the signature holds. The others are refused.";
    super::hold("keys.json", &file(about, cases));
}
