//! Records of a chosen size whose content does not compress: texts of random letters in fields of a declaration.
//!
//! One record is built and checked in the ordinary way; every other is its bytes with other letters, so that making one
//! costs less than anything that is measured.

use std::ops::Range;

use crate::cbor::{Encode as _, Writer};
use crate::record::{Content, ContentError, DECLARATION, Value};

/// Bytes of the smallest record that is made.
pub const MIN_RECORD_SIZE: usize = 128;
/// Bytes of the largest: what the texts of one parcel's documents hold.
pub const MAX_RECORD_SIZE: usize = 50_000;

/// Letters of the texts; 64 of them, so that six random bits choose one.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Stands in the first record where letters go; it occurs nowhere else in it.
const GAP: u8 = b'~';
/// Letters of an own reference: the record's index in hexadecimal, then random ones.
const REFERENCE: usize = 24;
const INDEX_DIGITS: usize = 16;
/// Texts besides the documents', in the order in which a record grows: group, field, letters at most.
const TEXTS: [(&str, &str, usize); 10] = [
    ("item", "id", 35),
    ("content", "description", 250),
    ("addressee", "name", 70),
    ("addressee", "street", 70),
    ("addressee", "city", 35),
    ("addressee", "email", 40),
    ("sender", "name", 70),
    ("sender", "street", 70),
    ("sender", "city", 35),
    ("order", "reference", 35),
];
const STATEMENTS: usize = 99;
const STATEMENT_LETTERS: usize = 512;

/// Makes records.
pub struct Records {
    template: Vec<u8>,
    gaps: Vec<Range<usize>>,
    key: [u8; 32],
}

impl Records {
    /// Records of at most `size` encoded bytes, and hardly less. The same seed gives the same records.
    ///
    /// # Errors
    /// [`ContentError`] when no such record is valid, which the bounds [`MIN_RECORD_SIZE`] and [`MAX_RECORD_SIZE`] rule out.
    pub fn new(size: usize, seed: u64) -> Result<Self, ContentError> {
        // The encoded length never falls when letters are added: search for the most that fit.
        let (mut fits, mut above) = (0, size + 1);
        while above - fits > 1 {
            let letters = fits + (above - fits) / 2;
            match template(letters)?.len() <= size {
                true => fits = letters,
                false => above = letters,
            }
        }
        let template = template(fits)?;
        let mut gaps: Vec<Range<usize>> = Vec::new();
        for (at, _) in template.iter().enumerate().filter(|(_, byte)| **byte == GAP) {
            match gaps.last_mut().filter(|gap| gap.end == at) {
                Some(gap) => gap.end = at + 1,
                None => gaps.push(at..at + 1),
            }
        }
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_be_bytes());
        Ok(Self { template, gaps, key })
    }

    /// Encoded bytes of each record.
    pub fn record_bytes(&self) -> usize {
        self.template.len()
    }

    /// The records from `first` on, as the CBOR list that `PUT /v1/submissions/{id}/chunks/{n}` takes.
    pub fn chunk(&self, first: u64, count: usize) -> Vec<u8> {
        let mut writer = Writer::with_capacity(9 + count * self.template.len());
        writer.array(count);
        (first..).take(count).for_each(|index| writer.raw(&self.record(index)));
        writer.into_bytes()
    }

    /// One record.
    pub fn record(&self, index: u64) -> Vec<u8> {
        let mut record = self.template.clone();
        let mut random = blake3::Hasher::new_keyed(&self.key).update(&index.to_be_bytes()).finalize_xof();
        for gap in &self.gaps {
            let letters = &mut record[gap.clone()];
            random.fill(letters);
            letters.iter_mut().for_each(|letter| *letter = LETTERS[usize::from(*letter & 63)]);
        }
        // The own reference stands in the first group of a declaration, so its gap is the first.
        if let Some(gap) = self.gaps.first() {
            let digits = format!("{index:0INDEX_DIGITS$x}");
            record[gap.start..][..INDEX_DIGITS].copy_from_slice(digits.as_bytes());
        }
        record
    }
}

/// A valid record with so many letters besides its own reference, all of them gaps.
fn template(letters: usize) -> Result<Vec<u8>, ContentError> {
    let mut rest = letters;
    let mut take = |most: usize| {
        let taken = rest.min(most);
        rest -= taken;
        taken
    };
    let text = |letters: usize| Value::Text(char::from(GAP).to_string().repeat(letters));
    let mut fields = vec![
        ("filing", "own_reference", text(REFERENCE)),
        ("route", "destination", Value::Text("KR".into())),
        ("route", "departure", Value::Text("CN".into())),
    ];
    for (group, field, most) in TEXTS {
        let letters = take(most);
        if letters > 0 {
            fields.push((group, field, text(letters)));
        }
    }
    let statements: Vec<Value> =
        (0..STATEMENTS).map(|_| take(STATEMENT_LETTERS)).take_while(|letters| *letters > 0).map(text).collect();

    let mut content = Content::empty(&DECLARATION, 1);
    for (at, group) in DECLARATION.groups.iter().enumerate() {
        let number = |name: &str| group.field(name).map_or(0, |field| field.number);
        let own = fields.iter().filter(|(name, _, _)| *name == group.name);
        let mut occurrences = vec![own.map(|(_, field, value)| (number(field), value.clone())).collect::<Vec<_>>()];
        if group.name == "documents" {
            occurrences = statements.iter().map(|value| vec![(number("statement"), value.clone())]).collect();
        }
        content.set(at, 0, occurrences)?;
    }
    Ok(content.to_cbor())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::Reader;

    #[test]
    fn records_are_valid_distinct_and_of_the_size_asked_for() {
        for size in [MIN_RECORD_SIZE, 200, 999, 1_000, 4_096, MAX_RECORD_SIZE] {
            let records = Records::new(size, 7).unwrap();
            let bytes = records.record_bytes();
            assert!(bytes <= size && bytes + 16 > size, "{bytes} bytes for {size}");
            let chunk = records.chunk(5, 3);
            let mut reader = Reader::new(&chunk);
            assert_eq!(reader.array(3).unwrap(), 3);
            let mut references = Vec::new();
            for _ in 0..3 {
                let content = Content::decode(&mut reader).unwrap();
                content.check_complete().unwrap();
                references.push(content.field("filing", "own_reference").unwrap());
            }
            references.dedup();
            assert_eq!(references.len(), 3);
        }
    }

    #[test]
    fn records_do_not_compress() {
        let record = Records::new(1_000, 1).unwrap().record(0);
        assert!(lz4_flex::block::compress(&record).len() * 100 > record.len() * 98);
        assert_eq!(record, Records::new(1_000, 1).unwrap().record(0));
        assert_ne!(record, Records::new(1_000, 2).unwrap().record(0));
    }
}
