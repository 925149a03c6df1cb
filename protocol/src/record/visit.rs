//! The values of a leaf in one pass, borrowed: for those who look at every field of many records.
//!
//! Not here: checking leaves against their group; those that are kept or arrived were checked before.

use super::table::Group;
use super::value::{Decimal, Kind};
use crate::cbor::{CborError, Decode as _, Reader};
use crate::limits::MAX_OCCURRENCES;
use crate::time::{Day, Millis};

/// A value as it stands in a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held<'l> {
    /// Text, code, digits, word, territory or currency.
    Text(&'l str),
    /// A decimal.
    Decimal(Decimal),
    /// A whole number.
    Uint(u64),
    /// A truth value.
    Bool(bool),
    /// A day.
    Day(Day),
    /// A time.
    Time(Millis),
    /// Bytes.
    Bytes(&'l [u8]),
}

/// Gives every value of an encoded leaf with its occurrence and the place of its field in the group, both from 0, in the order of the
/// leaf. An empty leaf has none. At the first byte that the group cannot hold it stops.
pub fn visit_leaf<'l>(group: &Group, leaf: &'l [u8], mut visit: impl FnMut(usize, usize, Held<'l>)) {
    if leaf.is_empty() {
        return;
    }
    let mut reader = Reader::new(leaf);
    // A fault is that of whoever checks leaves, so here it only ends the pass.
    let _ = pass(group, &mut reader, &mut visit);
}

fn pass<'l>(
    group: &Group,
    reader: &mut Reader<'l>,
    visit: &mut impl FnMut(usize, usize, Held<'l>),
) -> Result<(), CborError> {
    let occurrences = if group.repeats { reader.array(MAX_OCCURRENCES)? } else { 1 };
    for occurrence in 0..occurrences {
        let mut last = None;
        for _ in 0..reader.map(group.fields.len())? {
            let start = reader.position();
            let number = reader.key(&mut last)?;
            let Some(at) = place(group, number) else { return Err(reader.refuse(start, "no such field")) };
            visit(occurrence, at, held(group.fields[at].kind, reader)?);
        }
        reader.leave();
    }
    Ok(())
}

/// The place of the field of this number.
#[inline]
fn place(group: &Group, number: u64) -> Option<usize> {
    // Numbers run from 1 without a gap, until a field is given up.
    let usual = usize::try_from(number).ok()?.checked_sub(1)?;
    match group.fields.get(usual) {
        Some(field) if u64::from(field.number) == number => Some(usual),
        _ => group.fields.iter().position(|field| u64::from(field.number) == number),
    }
}

#[inline]
fn held<'l>(kind: Kind, reader: &mut Reader<'l>) -> Result<Held<'l>, CborError> {
    Ok(match kind {
        Kind::Decimal(..) => {
            reader.tuple(2)?;
            let mantissa = reader.int()?;
            let scale = reader.uint_max(u64::from(Decimal::MAX_SCALE))? as u8; // at most 6
            reader.leave();
            Held::Decimal(Decimal { mantissa, scale })
        }
        Kind::Uint(_) | Kind::Edition(_) => Held::Uint(reader.uint()?),
        Kind::Bool => Held::Bool(reader.bool()?),
        Kind::Day => Held::Day(Day::decode(reader)?),
        Kind::Time => Held::Time(Millis::decode(reader)?),
        Kind::Bytes(_, max) => Held::Bytes(reader.bytes(max as usize)?),
        Kind::Text(_)
        | Kind::Code(_)
        | Kind::Digits(..)
        | Kind::Words(_)
        | Kind::Territory
        | Kind::Currency
        | Kind::Token(_) => Held::Text(reader.text(kind.text_bytes())?),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::record::Value;
    use crate::record::content::read_leaf;
    use crate::testing::any_content;
    use proptest::prelude::*;

    fn owned(held: Held<'_>) -> Value {
        match held {
            Held::Text(text) => Value::Text(text.to_owned()),
            Held::Decimal(decimal) => Value::Decimal(decimal),
            Held::Uint(number) => Value::Uint(number),
            Held::Bool(is) => Value::Bool(is),
            Held::Day(day) => Value::Day(day),
            Held::Time(time) => Value::Time(time),
            Held::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        }
    }

    proptest! {
        #[test]
        fn it_gives_what_reading_gives(content in any_content()) {
            for (group, leaves) in content.table().groups.iter().zip(content.groups()) {
                for leaf in leaves.iter() {
                    let mut seen = Vec::new();
                    visit_leaf(group, leaf, |occurrence, at, held| {
                        seen.push((occurrence, group.fields[at].number, owned(held)));
                    });
                    let read = read_leaf(group, leaf).unwrap().into_iter().enumerate();
                    let read: Vec<_> =
                        read.flat_map(|(at, fields)| fields.into_iter().map(move |(number, value)| (at, number, value))).collect();
                    prop_assert_eq!(seen, read);
                }
            }
        }

        #[test]
        fn any_bytes_are_borne(content in any_content(), bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            content.table().groups.iter().for_each(|group| visit_leaf(group, &bytes, |_, at, _| assert!(at < group.fields.len())));
        }
    }
}
