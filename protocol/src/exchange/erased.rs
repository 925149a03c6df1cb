//! Bodies of `erased` and `hold` entries: what is gone and on what ground, and what may not go.

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::limits::{MAX_BATCH_RECORDS, MAX_NAMED_ENTRIES};
use crate::names::word_enum;
use crate::time::Day;

word_enum!(
    /// Why something was erased.
    Ground, "ground of an erasure", {
        /// Its day had come.
        Retention = 1, "retention";
        /// It was ordered before that day.
        Order = 2, "order";
    }
);

/// What of one entry is named: the whole of it, or records of its dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its index.
    pub entry: u64,
    /// Places of the records, ascending; none where the whole entry is meant with its body.
    pub places: Vec<usize>,
}

/// Body of an `erased` entry. Its skeleton has the channel and agreement of what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedBody {
    /// Why.
    pub ground: Ground,
    /// When.
    pub on: Day,
    /// Digest of the words of the order.
    pub reference: Option<Digest>,
    /// What, ascending by entry.
    pub erased: Vec<Named>,
}

/// Body of a `hold` entry: something may not be erased, or may again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldBody {
    /// Number of the hold in this log.
    pub hold: u64,
    /// Whether it begins; else it ends.
    pub begins: bool,
    /// When.
    pub on: Day,
    /// Digest of the words of its ground.
    pub ground: Digest,
    /// Everything under this agreement is held.
    pub agreement: Option<Digest>,
    /// What else is held, as far as it was there when the hold began; ascending by entry. Nothing in the entry that ends it.
    pub held: Vec<Named>,
}

impl Named {
    /// Whether some of the same is named.
    pub fn touches(&self, other: &Named) -> bool {
        let whole = |named: &Named| named.places.is_empty();
        let common = || self.places.iter().any(|place| other.places.binary_search(place).is_ok());
        self.entry == other.entry && (whole(self) || whole(other) || common())
    }
}

fn encode_named(named: &[Named], writer: &mut Writer) {
    writer.array(named.len());
    for Named { entry, places } in named {
        writer.array(2);
        writer.uint(*entry);
        writer.array(places.len());
        places.iter().for_each(|place| writer.uint(*place as u64));
    }
}

fn decode_named(reader: &mut Reader<'_>) -> Result<Vec<Named>, CborError> {
    let mut named: Vec<Named> = Vec::new();
    for _ in 0..reader.array(MAX_NAMED_ENTRIES)? {
        let start = reader.position();
        reader.tuple(2)?;
        let entry = reader.uint()?;
        if named.last().is_some_and(|last| last.entry >= entry) {
            return Err(reader.refuse(start, "entries are not ascending"));
        }
        let mut places: Vec<usize> = Vec::new();
        for _ in 0..reader.array(MAX_BATCH_RECORDS)? {
            let start = reader.position();
            let place = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize; // at most 10,000
            if places.last().is_some_and(|last| *last >= place) {
                return Err(reader.refuse(start, "places are not ascending"));
            }
            places.push(place);
        }
        reader.leave();
        reader.leave();
        named.push(Named { entry, places });
    }
    reader.leave();
    Ok(named)
}

fn encode_digest(digest: Option<&Digest>, writer: &mut Writer) {
    match digest {
        Some(digest) => digest.encode(writer),
        None => writer.null(),
    }
}

fn decode_digest(reader: &mut Reader<'_>) -> Result<Option<Digest>, CborError> {
    Ok(if reader.null()? { None } else { Some(Digest::decode(reader)?) })
}

impl Encode for ErasedBody {
    fn encode(&self, writer: &mut Writer) {
        writer.array(4);
        self.ground.encode(writer);
        self.on.encode(writer);
        encode_digest(self.reference.as_ref(), writer);
        encode_named(&self.erased, writer);
    }
}

impl Decode for ErasedBody {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(4)?;
        let body = Self {
            ground: Ground::decode(reader)?,
            on: Day::decode(reader)?,
            reference: decode_digest(reader)?,
            erased: decode_named(reader)?,
        };
        reader.leave();
        Ok(body)
    }
}

impl Encode for HoldBody {
    fn encode(&self, writer: &mut Writer) {
        writer.array(6);
        writer.uint(self.hold);
        writer.bool(self.begins);
        self.on.encode(writer);
        self.ground.encode(writer);
        encode_digest(self.agreement.as_ref(), writer);
        encode_named(&self.held, writer);
    }
}

impl Decode for HoldBody {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(6)?;
        let body = Self {
            hold: reader.uint()?,
            begins: reader.bool()?,
            on: Day::decode(reader)?,
            ground: Digest::decode(reader)?,
            agreement: decode_digest(reader)?,
            held: decode_named(reader)?,
        };
        reader.leave();
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named() -> impl Strategy<Value = Vec<Named>> {
        let places = prop::collection::btree_set(0usize..MAX_BATCH_RECORDS, 0..4);
        let entries = prop::collection::btree_map(any::<u64>(), places, 0..5);
        entries.prop_map(|entries| {
            entries.into_iter().map(|(entry, places)| Named { entry, places: places.into_iter().collect() }).collect()
        })
    }

    proptest! {
        #[test]
        fn bodies_are_read_back(
            (named, digest) in (named(), prop::option::of(any::<[u8; 32]>())),
            (flag, number) in (any::<bool>(), any::<u64>()),
        ) {
            let (digest, on) = (digest.map(Digest), Day(20_000));
            let ground = if flag { Ground::Retention } else { Ground::Order };
            let erased = ErasedBody { ground, on, reference: digest, erased: named.clone() };
            prop_assert_eq!(ErasedBody::from_cbor(&erased.to_cbor()).unwrap(), erased);
            let words = Digest([1; 32]);
            let hold = HoldBody { hold: number, begins: flag, on, ground: words, agreement: digest, held: named };
            prop_assert_eq!(HoldBody::from_cbor(&hold.to_cbor()).unwrap(), hold);
        }
    }

    #[test]
    fn what_is_out_of_order_is_refused_and_the_whole_touches_every_part() {
        let named = |entry, places: &[usize]| Named { entry, places: places.to_vec() };
        for erased in [vec![named(2, &[]), named(2, &[])], vec![named(2, &[]), named(1, &[])], vec![named(1, &[3, 3])]]
        {
            let body = ErasedBody { ground: Ground::Order, on: Day(1), reference: None, erased };
            assert!(ErasedBody::from_cbor(&body.to_cbor()).is_err(), "{body:?}");
        }
        assert!(named(1, &[]).touches(&named(1, &[7])) && named(1, &[7]).touches(&named(1, &[])));
        assert!(named(1, &[2, 7]).touches(&named(1, &[7])) && !named(1, &[2]).touches(&named(1, &[7])));
        assert!(!named(1, &[]).touches(&named(2, &[])));
    }
}
