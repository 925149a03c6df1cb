//! What a sample is drawn from, and what of it can be proven.
//!
//! By method `random` the units are the log's dispatches: its entries of kind `sent` and `received`. By method `value` they are
//! the values in the records of these dispatches, which only the audited node has: for each record and currency the sum of
//! `value.amount` over its goods items, in hundredths. A record counts once, under the first dispatch that carries its batch.
//!
//! Proven is what the log and the dispatches' signatures say: which dispatches there are, how many records each has, which carry
//! the same batch, and the value of every record that is opened. The values of records that are not opened are the audited
//! node's word.
//!
//! Not here: drawing ([`super::sample`]), the file ([`super::pack`]).

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::exchange::{EntryKind, Skeleton};
use crate::limits::{MAX_BATCH_RECORDS, MAX_GOODS_ITEMS, MAX_PACK_ENTRIES, MAX_PACK_VALUES};
use crate::names::Currency;
use crate::record::{GroupSet, RecordView, TypeTable, Value};

/// The group that holds the declared value of goods.
pub const VALUE_GROUP: &str = "value";
/// Currencies of one record: one for each goods item, and none.
const MAX_CURRENCIES: usize = MAX_GOODS_ITEMS + 1;

/// The value of one record in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordValue {
    /// The record's place in its batch, from 0.
    pub place: usize,
    /// The currency; absent where the goods item names none.
    pub currency: Option<Currency>,
    /// The sum in hundredths, at most 2^63 - 1, at least -2^63.
    pub amount: i64,
}

/// What is known of the values in one dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// The records with a value, by place and currency.
    Listed(Vec<RecordValue>),
    /// The batch is that of an earlier dispatch: its entry.
    Repeats(u64),
    /// None can be proven: the dispatch was refused, withdrawn or accepted in part only, or its view does not show them.
    Unknown,
}

/// A dispatch in a population of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchValues {
    /// Index of its `sent` or `received` entry.
    pub entry: u64,
    /// Records in its batch.
    pub records: usize,
    /// Their values.
    pub values: Values,
}

/// The records of one dispatch as a node gives them for an audit: each with its place, showing its value and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchViews {
    /// By place, ascending.
    pub views: Vec<(usize, RecordView)>,
}

/// Whether an entry is a dispatch: one that the node sent or received, each once.
pub fn is_dispatch(skeleton: &Skeleton) -> bool {
    matches!(skeleton.kind, EntryKind::Sent | EntryKind::Received)
}

/// The set that shows the value of goods and nothing else; empty for a type without it.
pub fn value_groups(table: &TypeTable) -> GroupSet {
    table.group(VALUE_GROUP).map_or(GroupSet::NONE, |(at, _)| GroupSet::NONE.with(at))
}

/// The values of a record at a place of its batch, by currency; `None` where its view hides them or cannot be read.
pub fn values_of(place: usize, view: &RecordView) -> Option<Vec<RecordValue>> {
    let (_, group) = view.header.table.group(VALUE_GROUP)?;
    let number = |name| group.field(name).map(|field| field.number);
    let (amount, currency) = (number("amount")?, number("currency")?);
    let mut sums = std::collections::BTreeMap::<Option<Currency>, i128>::new();
    for fields in view.occurrences(VALUE_GROUP).ok()??.into_iter().flatten() {
        let (mut sum, mut of) = (None, None);
        for (number, value) in fields {
            match value {
                Value::Decimal(decimal) if number == amount => {
                    // The type allows two digits after the point.
                    let factor = 10i128.pow(u32::from(2u8.saturating_sub(decimal.scale)));
                    sum = Some(i128::from(decimal.mantissa) * factor);
                }
                Value::Text(text) if number == currency => of = text.parse().ok(),
                _ => {}
            }
        }
        *sums.entry(of).or_default() += sum?;
    }
    let clamped = |sum: i128| i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX });
    Some(sums.into_iter().map(|(currency, sum)| RecordValue { place, currency, amount: clamped(sum) }).collect())
}

/// Every listed value with the entry of its dispatch, in the order of the population.
pub fn listed(population: &[DispatchValues]) -> impl Iterator<Item = (u64, RecordValue)> {
    population.iter().flat_map(|dispatch| {
        let values = match &dispatch.values {
            Values::Listed(values) => values.as_slice(),
            Values::Repeats(_) | Values::Unknown => &[],
        };
        values.iter().map(|value| (dispatch.entry, *value))
    })
}

/// Writes a population of values: `[[entry, records, [[place, currency, amount] …] | earlier entry | null] …]`.
pub(super) fn encode_values(population: &[DispatchValues], writer: &mut Writer) {
    writer.array(population.len());
    for dispatch in population {
        writer.array(3);
        writer.uint(dispatch.entry);
        writer.uint(dispatch.records as u64);
        match &dispatch.values {
            Values::Unknown => writer.null(),
            Values::Repeats(entry) => writer.uint(*entry),
            Values::Listed(values) => {
                writer.array(values.len());
                for value in values {
                    writer.array(3);
                    writer.uint(value.place as u64);
                    match &value.currency {
                        Some(currency) => currency.encode(writer),
                        None => writer.null(),
                    }
                    writer.int(value.amount);
                }
            }
        }
    }
}

/// Reads what [`encode_values`] wrote: entries ascend, places lie in the batch, places and currencies ascend.
pub(super) fn decode_values(reader: &mut Reader<'_>) -> Result<Vec<DispatchValues>, CborError> {
    let count = reader.array(MAX_PACK_ENTRIES)?;
    let (mut population, mut left) = (Vec::<DispatchValues>::new(), MAX_PACK_VALUES);
    for _ in 0..count {
        let start = reader.position();
        reader.tuple(3)?;
        let entry = reader.uint()?;
        if population.last().is_some_and(|last| last.entry >= entry) {
            return Err(reader.refuse(start, "dispatches are not in the order of the log"));
        }
        let records = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize; // at most 10,000
        let values = if reader.null()? {
            Values::Unknown
        } else if reader.peek_major()? == 0 {
            let at = reader.position();
            let earlier = reader.uint()?;
            if earlier >= entry {
                return Err(reader.refuse(at, "a batch repeats that of an earlier entry"));
            }
            Values::Repeats(earlier)
        } else {
            let count = reader.array(left.min(records * MAX_CURRENCIES))?;
            left -= count;
            let mut values = Vec::<RecordValue>::new();
            for _ in 0..count {
                values.push(decode_value(reader, records, values.last())?);
            }
            reader.leave();
            Values::Listed(values)
        };
        reader.leave();
        population.push(DispatchValues { entry, records, values });
    }
    reader.leave();
    Ok(population)
}

fn decode_value(reader: &mut Reader<'_>, records: usize, last: Option<&RecordValue>) -> Result<RecordValue, CborError> {
    let start = reader.position();
    reader.tuple(3)?;
    let place = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize; // at most 10,000
    let currency = if reader.null()? { None } else { Some(Currency::decode(reader)?) };
    if place >= records || last.is_some_and(|last| (last.place, last.currency) >= (place, currency)) {
        return Err(reader.refuse(start, "values are not in the order of the batch, or beyond it"));
    }
    let value = RecordValue { place, currency, amount: reader.int()? };
    reader.leave();
    Ok(value)
}

impl Encode for BatchViews {
    fn encode(&self, writer: &mut Writer) {
        writer.array(self.views.len());
        for (place, view) in &self.views {
            writer.array(2);
            writer.uint(*place as u64);
            view.encode(writer);
        }
    }
}

impl Decode for BatchViews {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut views = Vec::<(usize, RecordView)>::new();
        for _ in 0..reader.array(MAX_BATCH_RECORDS)? {
            let start = reader.position();
            reader.tuple(2)?;
            let place = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize; // at most 10,000
            if views.last().is_some_and(|(last, _)| *last >= place) {
                return Err(reader.refuse(start, "records are not in the order of the batch"));
            }
            views.push((place, RecordView::decode(reader)?));
            reader.leave();
        }
        reader.leave();
        Ok(Self { views })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Content, DECLARATION, Decimal};
    use crate::testing::{groups, one_form, record, record_of};

    proptest! {
        /// Hundredths are what the amounts say, whatever their scale, and nothing but the value is needed for them.
        #[test]
        fn values_are_summed_exactly(
            amounts in prop::collection::vec((-99_999_999_999_999i64..99_999_999_999_999, 0u8..=2, 0usize..3), 1..9),
        ) {
            let codes = [None, Some("EUR"), Some("JPY")];
            let mut content = Content::empty(&DECLARATION, amounts.len());
            let at = DECLARATION.group(VALUE_GROUP).unwrap().0;
            let mut sums = std::collections::BTreeMap::<_, i64>::new();
            for (item, (mantissa, scale, code)) in amounts.iter().enumerate() {
                let mut fields = vec![(1, Value::Decimal(Decimal { mantissa: *mantissa, scale: *scale }))];
                fields.extend(codes[*code].map(|code| (2, Value::Text(code.into()))));
                content.set(at, item, vec![fields]).unwrap();
                let currency = codes[*code].map(|code| code.parse::<Currency>().unwrap());
                *sums.entry(currency).or_default() += mantissa * 10i64.pow(2 - u32::from(*scale));
            }
            let view = record_of(content, [1; 16], [2; 32]).view(value_groups(&DECLARATION));
            let values = values_of(7, &view).unwrap();
            prop_assert!(values.iter().all(|value| value.place == 7));
            prop_assert_eq!(values.iter().map(|v| (v.currency, v.amount)).collect::<Vec<_>>(), sums.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn a_view_cut_further_shows_less_and_leads_to_the_same_root((record, _) in record(), a in groups(), b in groups()) {
            let (view, both) = (record.view(a), GroupSet(a.0 & b.0));
            let cut = view.cut(b);
            prop_assert_eq!(&cut, &record.view(both));
            prop_assert_eq!(cut.root(), record.root());
            let value = both.has(DECLARATION.group(VALUE_GROUP).unwrap().0);
            prop_assert_eq!(values_of(0, &cut).is_some(), value);
        }

        #[test]
        fn what_a_node_gives_has_one_form((record, _) in record(), places in prop::collection::btree_set(0usize..10_000, 0..4)) {
            let view = record.view(value_groups(&DECLARATION));
            let views = BatchViews { views: places.into_iter().map(|place| (place, view.clone())).collect() };
            let bytes = views.to_cbor();
            prop_assert_eq!(BatchViews::from_cbor(&bytes), Ok(views));
            prop_assert!(one_form::<BatchViews>(&bytes[..bytes.len() / 2]));
        }
    }

    #[test]
    fn a_sum_beyond_64_bits_is_cut_off_and_no_value_is_none() {
        let mut content = Content::empty(&DECLARATION, 20);
        let at = DECLARATION.group(VALUE_GROUP).unwrap().0;
        let amount = Value::Decimal(Decimal { mantissa: 9_999_999_999_999_999, scale: 0 });
        for item in 0..20 {
            content.set(at, item, vec![vec![(1, amount.clone())]]).unwrap();
        }
        let of =
            |content| values_of(0, &record_of(content, [1; 16], [2; 32]).view(value_groups(&DECLARATION))).unwrap();
        assert_eq!(of(content), [RecordValue { place: 0, currency: None, amount: i64::MAX }]);
        assert_eq!(of(Content::empty(&DECLARATION, 3)), []);
    }

    #[test]
    fn populations_are_read_in_order_only() {
        let value = |place, amount| RecordValue { place, currency: None, amount };
        let listed = |entry, values| DispatchValues { entry, records: 3, values: Values::Listed(values) };
        let write = |population: &[DispatchValues]| {
            let mut writer = Writer::new();
            encode_values(population, &mut writer);
            writer.into_bytes()
        };
        let read = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            decode_values(&mut reader).and_then(|population| reader.finish().map(|()| population))
        };
        let unknown = DispatchValues { entry: 4, records: 0, values: Values::Unknown };
        let repeats = |entry| DispatchValues { entry: 3, records: 3, values: Values::Repeats(entry) };
        let good = [listed(1, vec![value(0, -1), value(2, i64::MAX)]), repeats(1), unknown.clone()];
        assert_eq!(read(&write(&good)).unwrap(), good);
        assert_eq!(
            super::listed(&good).map(|(entry, value)| (entry, value.place)).collect::<Vec<_>>(),
            [(1, 0), (1, 2)]
        );
        for bad in [
            vec![unknown.clone(), unknown],
            vec![listed(1, vec![value(1, 1), value(1, 2)])],
            vec![listed(1, vec![value(3, 1)])],
            vec![repeats(3)],
        ] {
            assert!(read(&write(&bad)).is_err(), "{bad:?}");
        }
    }
}
