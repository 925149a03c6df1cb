//! `damaged.json`: what every reader must refuse, each with its reason. The cases of each kind run through the same
//! functions that a node calls.

mod dispatches;
mod documents;
mod governance;
mod logs;
mod receipts;
mod views;

pub(super) use documents::word;

use super::json::{Json, bytes, file, object};
use crate::cbor::CborError;

const FILE: &str = "damaged.json";

fn flip(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

/// The changes that make damaged bytes of honest ones, as `[at, cut, put]` from the first; or the bytes themselves where
/// most of them differ (so what is sealed anew stands there whole).
pub(super) fn part(honest: &[u8], damaged: &[u8]) -> Json {
    let mut changes: Vec<(usize, usize, &[u8])> = Vec::new();
    if honest.len() == damaged.len() {
        for at in (0..honest.len()).filter(|at| honest[*at] != damaged[*at]) {
            match changes.last_mut() {
                // A gap of a few bytes is shorter than another change.
                Some((from, cut, put)) if at < *from + *cut + 8 => {
                    (*cut, *put) = (at + 1 - *from, &damaged[*from..=at])
                }
                _ => changes.push((at, 1, &damaged[at..=at])),
            }
        }
    } else {
        let same = honest.iter().zip(damaged).take_while(|(a, b)| a == b).count();
        let (old, new) = (&honest[same..], &damaged[same..]);
        let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
        changes.push((same, old.len() - end, &new[..new.len() - end]));
    }
    if changes.iter().map(|(_, _, put)| put.len() * 2).sum::<usize>() > damaged.len() {
        return bytes(damaged);
    }
    let change = |(at, cut, put): (usize, usize, &[u8])| vec![Json::from(at), Json::from(cut), bytes(put)];
    Json::List(changes.into_iter().map(|each| Json::List(change(each))).collect())
}

/// Cases of one kind: honest bytes first, which are taken, and each damage as the change of one of them.
struct Cases {
    kind: &'static str,
    honest: Vec<(String, Vec<u8>)>,
    cases: Vec<Json>,
}

impl Cases {
    fn new(kind: &'static str) -> Self {
        Self { kind, honest: Vec::new(), cases: Vec::new() }
    }

    fn honest(&mut self, name: &str, input: &[u8], more: impl Fn(Json) -> Json) {
        let case = object! { "name" => name, "kind" => self.kind, "bytes" => bytes(input) };
        self.cases.push(more(case).with("refused", Json::Null));
        self.honest.push((name.to_owned(), input.to_vec()));
    }

    /// A damaged case; its base is the honest one of which least must be changed.
    fn damaged(&mut self, name: &str, input: &[u8], refused: impl Into<Json>, more: impl Fn(Json) -> Json) {
        let length = |json: &Json| format!("{json:?}").len();
        let parts = self.honest.iter().map(|(base, honest)| (base, part(honest, input)));
        let (base, part) = parts.min_by_key(|(_, part)| length(part)).unwrap();
        let case = object! { "name" => name, "kind" => self.kind, "base" => base.as_str(), "bytes" => part };
        self.cases.push(more(case).with("refused", refused));
    }
}

/// The word for a refusal by CBOR.
fn cbor_word(error: &CborError) -> String {
    super::cbor::word(&error.reason).into()
}

/// Writes or compares the file; after `dispatches.json`, whose sealed bytes it takes.
pub(super) fn hold() {
    let cases = [
        documents::documents(),
        governance::documents(),
        dispatches::dispatches(),
        views::view_cases(),
        views::paths(),
        receipts::receipts(),
        logs::logs(),
    ]
    .concat();
    let about = "Each of these is refused, for the reason given. Bytes are given whole or as changes [at, cut, put] of the \
                 honest case named under 'base': at this place of it, so many bytes are cut out and these put there; \
                 honest cases have 'refused' null. Parts of a 'bad_dispatch' that are not given are those of 'one \
                 record' in dispatches.json, which is their base.";
    super::hold(FILE, &file(about, cases));
}
