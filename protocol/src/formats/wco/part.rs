//! How fields and elements correspond: one table of parts for each message, in the order of its schema, both ways.
//!
//! Reading takes what a field may hold, as it stands, and leaves the rest alone; writing makes the elements of the fields. What a
//! document has beside them is the difference of two trees and not of interest here ([`super::patch`]).
//! Not in: the tables ([`super::dec`], [`super::res`]).

use super::names::{Name, name};
use super::tree::{Tree, TreeError, allowed};
use super::values::{At, Values};
use crate::limits::MAX_OCCURRENCES;
use crate::record::Value;
use crate::time::Millis;

/// One or more elements that stand side by side.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// An element that holds others, written where one of them is.
    In(Name, &'static [Part]),
    /// A field's text, where the schema takes it.
    Leaf(Name, At, Fits),
    /// A point in time.
    Time(Name, At),
    /// An amount and its currency.
    Amount(Name, At, At),
    /// A quantity and its unit.
    Quantity(Name, At, At),
    /// A mass in kilograms.
    Kilograms(Name, At),
    /// A text that the schema demands beside others; it is no field.
    Fixed(Name, &'static str),
    /// An element for each occurrence of a group.
    Each(Name, usize, &'static [Part]),
    /// An element for the occurrence of a group in which a field has this word.
    Role(Name, At, &'static str, &'static [Part]),
    /// An element for each goods item.
    Items(Name, &'static [Part]),
    /// Anything else.
    Special(Read, Write),
}

/// Reads fields from inside an element, for a goods item and an occurrence.
pub(super) type Read = fn(&Tree, usize, &mut Values, Place);
/// Writes elements; tells whether there was anything to write.
pub(super) type Write = fn(&Values, &mut Tree, Place) -> Result<bool, TreeError>;

/// Which goods item, and which occurrence of a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) item: usize,
    pub(super) occurrence: usize,
}

/// What the schema takes as the text of an element.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fits {
    /// So many characters.
    Chars(usize),
    /// So many digits.
    Digits(usize),
}

impl Fits {
    /// Whether it takes this text.
    pub(super) fn takes(self, text: &str) -> bool {
        match self {
            Fits::Chars(most) => (text.len() <= most || text.chars().count() <= most) && allowed(text).is_ok(),
            Fits::Digits(most) => text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit()),
        }
    }
}

/// Attributes that tell what a number is of.
pub(super) const CURRENCY: &str = "currencyID";
pub(super) const UNIT: &str = "unitCode";
const DATE: Name = name("DateTimeString");
const FORMAT: &str = "formatCode";
/// 2000-01-01 and 2100-01-01.
const FIRST: Millis = Millis(946_684_800_000);
const END: Millis = Millis(4_102_444_800_000);
/// CCYYMMDDHHMMSS and the zone.
const FORMAT_304: &str = "304";

/// Reads what the parts tell from inside an element.
pub(super) fn read(parts: &[Part], tree: &Tree, node: usize, values: &mut Values, place: Place) {
    let Place { item, occurrence } = place;
    for part in parts {
        match *part {
            Part::In(name, parts) => {
                if let Some(child) = tree.child(node, name) {
                    read(parts, tree, child, values, place);
                }
            }
            Part::Leaf(name, at, _) => {
                if let Some(child) = leaf(tree, node, name) {
                    values.read(at, item, occurrence, tree.text(child));
                }
            }
            Part::Time(name, at) => {
                if let Some(time) = tree.child(node, name).and_then(|child| time_of(tree, child)) {
                    values.put(at, item, occurrence, Value::Time(time));
                }
            }
            Part::Amount(name, amount, currency) => {
                read_number(tree, leaf(tree, node, name), CURRENCY, values, [amount, currency], place);
            }
            Part::Quantity(name, quantity, unit) => {
                read_number(tree, leaf(tree, node, name), UNIT, values, [quantity, unit], place);
            }
            Part::Kilograms(name, at) => {
                let child = leaf(tree, node, name).filter(|child| in_kilograms(tree, *child));
                if let Some(child) = child {
                    values.read(at, item, occurrence, tree.text(child));
                }
            }
            Part::Fixed(..) => {}
            Part::Each(name, group, parts) => {
                for child in tree.children(node).filter(|child| tree.is(*child, name)) {
                    let next = values.count(group, item);
                    if next == MAX_OCCURRENCES {
                        break;
                    }
                    read(parts, tree, child, values, Place { item, occurrence: next });
                    values.settle(group, item, next);
                }
            }
            Part::Role(name, at, word, parts) => {
                if let Some(child) = tree.child(node, name) {
                    let occurrence = values.count(at.group, item);
                    let before = occurrence;
                    read(parts, tree, child, values, Place { item, occurrence });
                    if values.count(at.group, item) > before {
                        values.put(at, item, occurrence, Value::Text(word.to_owned()));
                    }
                }
            }
            Part::Items(name, parts) => {
                let items = tree.children(node).filter(|child| tree.is(*child, name));
                for (item, child) in items.enumerate() {
                    read(parts, tree, child, values, Place { item, occurrence });
                }
            }
            Part::Special(read, _) => read(tree, node, values, place),
        }
    }
}

/// Writes the elements of the fields into the element that is open; tells whether there was anything to write.
pub(super) fn write(parts: &[Part], values: &Values, tree: &mut Tree, place: Place) -> Result<bool, TreeError> {
    let Place { item, occurrence } = place;
    let mut any = false;
    for part in parts {
        any |= match *part {
            Part::In(name, parts) => inside(name, tree, |tree| write(parts, values, tree, place))?,
            Part::Leaf(name, at, fits) => match values.get(at, item, occurrence) {
                Some(Value::Text(text)) => write_leaf(name, text, fits, tree)?,
                Some(value) => write_leaf(name, &value.to_string(), fits, tree)?,
                None => false,
            },
            Part::Time(name, at) => match values.get(at, item, occurrence) {
                Some(Value::Time(time)) => write_time(name, *time, tree)?,
                _ => false,
            },
            Part::Amount(name, number, of) | Part::Quantity(name, number, of) => {
                let mark = if let Part::Amount(..) = part { CURRENCY } else { UNIT };
                let number = values.get(number, item, occurrence).map(Value::to_string);
                write_number(name, number.as_deref(), mark, values.text(of, item, occurrence), tree)?
            }
            Part::Kilograms(name, at) => match values.get(at, item, occurrence) {
                Some(mass) => write_leaf(name, &mass.to_string(), Fits::Chars(usize::MAX), tree)?,
                None => false,
            },
            Part::Fixed(name, text) => {
                tree.leaf(name, text)?;
                false
            }
            Part::Each(name, group, parts) => {
                let mut any = false;
                for occurrence in 0..values.count(group, item) {
                    let place = Place { item, occurrence };
                    if demanded(parts, values, place) {
                        any |= inside(name, tree, |tree| write(parts, values, tree, place))?;
                    }
                }
                any
            }
            Part::Role(name, at, word, parts) => {
                let mut of = 0..values.count(at.group, item);
                match of.find(|occurrence| values.text(at, item, *occurrence) == Some(word)) {
                    Some(occurrence) => {
                        inside(name, tree, |tree| write(parts, values, tree, Place { item, occurrence }))?
                    }
                    None => false,
                }
            }
            Part::Items(name, parts) => {
                for item in 0..values.items() {
                    tree.open_known(name)?;
                    write(parts, values, tree, Place { item, occurrence: 0 })?;
                    tree.close();
                }
                values.items() > 0
            }
            Part::Special(_, write) => write(values, tree, place)?,
        };
    }
    Ok(any)
}

/// Whether the schema takes the fields that an occurrence must have: without them it would not be read again.
fn demanded(parts: &[Part], values: &Values, Place { item, occurrence }: Place) -> bool {
    parts.iter().all(|part| match *part {
        Part::Leaf(_, at, fits) if values.is_mandatory(at) => {
            values.text(at, item, occurrence).is_some_and(|text| fits.takes(text))
        }
        _ => true,
    })
}

/// The element of this name directly inside, if no further one is inside it.
pub(super) fn leaf(tree: &Tree, node: usize, name: Name) -> Option<usize> {
    tree.child(node, name).filter(|child| tree.is_leaf(*child))
}

/// The text of the element of this name directly inside.
pub(super) fn leaf_text(tree: &Tree, node: usize, name: Name) -> Option<&str> {
    leaf(tree, node, name).map(|child| tree.text(child))
}

/// Writes an element around others, if there is anything in it.
pub(super) fn inside(
    name: Name,
    tree: &mut Tree,
    write: impl FnOnce(&mut Tree) -> Result<bool, TreeError>,
) -> Result<bool, TreeError> {
    tree.open_known(name)?;
    let any = write(tree)?;
    if any {
        tree.close()
    } else {
        tree.take_back()
    }
    Ok(any)
}

/// Writes a text where the schema takes it.
pub(super) fn write_leaf(name: Name, text: &str, fits: Fits, tree: &mut Tree) -> Result<bool, TreeError> {
    let takes = fits.takes(text);
    if takes {
        tree.leaf(name, text)?;
    }
    Ok(takes)
}

/// Reads a number together with what it is of, or neither: an amount in a currency that cannot be told is no amount.
pub(super) fn read_number(
    tree: &Tree,
    child: Option<usize>,
    mark: &str,
    values: &mut Values,
    [number, of]: [At; 2],
    Place { item, occurrence }: Place,
) {
    let Some(child) = child else { return };
    let found = tree.attribute(child, mark);
    let held = values.text(of, item, occurrence);
    let fresh = held.is_none() && found.is_some();
    let fits = match (held, found) {
        (Some(held), found) => found == Some(held),
        (None, Some(found)) => values.read(of, item, occurrence, found),
        (None, None) => true,
    };
    if fits && !values.read(number, item, occurrence, tree.text(child)) && fresh {
        values.forget(of, item, occurrence);
    }
}

/// Writes a number and what it is of.
pub(super) fn write_number(
    name: Name,
    number: Option<&str>,
    mark: &str,
    of: Option<&str>,
    tree: &mut Tree,
) -> Result<bool, TreeError> {
    // A quantity of which the unit has no place is no quantity.
    let fits = of.is_none_or(|of| mark != UNIT || of.len() <= 5);
    let Some(number) = number.filter(|_| fits) else { return Ok(false) };
    tree.open_known(name)?;
    if let Some(of) = of {
        tree.attribute_of(mark, of)?;
    }
    tree.text_of(number)?;
    tree.close();
    Ok(true)
}

/// Whether a measure is in kilograms: that is meant where no unit is named.
pub(super) fn in_kilograms(tree: &Tree, child: usize) -> bool {
    tree.attribute(child, UNIT).is_none_or(|unit| unit == "KGM")
}

/// Writes a point in time, in whole seconds, of the years that the schemas take.
pub(super) fn write_time(name: Name, time: Millis, tree: &mut Tree) -> Result<bool, TreeError> {
    if !(FIRST..END).contains(&time) {
        return Ok(false);
    }
    tree.open_known(name)?;
    tree.open_known(DATE)?;
    tree.attribute_of(FORMAT, FORMAT_304)?;
    tree.text_of(&written(time))?;
    tree.close();
    tree.close();
    Ok(true)
}

/// The point in time inside an element such as `IssueDateTime`.
pub(super) fn time_of(tree: &Tree, node: usize) -> Option<Millis> {
    let date = leaf(tree, node, DATE).filter(|date| tree.attribute(*date, FORMAT) == Some(FORMAT_304))?;
    moment(tree.text(date))
}

/// Whether two texts of an element mean the same to a field: points in time, whatever their zone.
pub(super) fn same_meaning(tree: &Tree, node: usize, one: &str, other: &str) -> bool {
    one == other || (tree.is(node, DATE) && moment(one).is_some_and(|time| moment(other) == Some(time)))
}

/// `20191113172216Z`: format 304 of UN/EDIFACT 2379, the zone as `Z`, `+01`, `+0100` or `+01:00`.
fn moment(text: &str) -> Option<Millis> {
    let digits = text.get(..14).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let number = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i16>().ok());
    let small = |from: usize| number(from, from + 2).and_then(|part| i8::try_from(part).ok());
    let date = jiff::civil::DateTime::new(number(0, 4)?, small(4)?, small(6)?, small(8)?, small(10)?, small(12)?, 0);
    let seconds = jiff::tz::Offset::UTC.to_timestamp(date.ok()?).ok()?.as_second();
    let zone = text.get(14..)?;
    let ahead = match zone.as_bytes() {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let two = |tens: u8, ones: u8| {
                (tens.is_ascii_digit() && ones.is_ascii_digit())
                    .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
            };
            let (hours, minutes) = match *rest {
                [a, b] => (two(a, b)?, 0),
                [a, b, c, d] | [a, b, b':', c, d] => (two(a, b)?, two(c, d)?),
                _ => return None,
            };
            let ahead = (hours * 60 + minutes) * 60;
            (hours <= 14 && minutes < 60).then_some(if *sign == b'-' { -ahead } else { ahead })?
        }
        _ => return None,
    };
    u64::try_from((seconds - ahead) * 1_000).ok().map(Millis)
}

/// The same point in time as it is written, in UTC.
fn written(time: Millis) -> String {
    let text = time.to_string(); // 2019-11-13T17:22:16.000Z
    let mut digits: String = text.chars().take(19).filter(char::is_ascii_digit).collect();
    digits.push('Z');
    digits
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn points_in_time_are_read_in_every_zone() {
        let time = |text| moment(text).map(|time| time.to_string());
        assert_eq!(time("20191113172216Z").as_deref(), Some("2019-11-13T17:22:16.000Z"));
        for text in ["20191113182216+01", "20191113182216+0100", "20191113115216-05:30"] {
            assert_eq!(time(text), time("20191113172216Z"), "{text}");
        }
        for bad in [
            "20191113172216",
            "20191313172216Z",
            "20191113252216Z",
            "2019111317221Z",
            "20191113172216+1",
            "19000101000000Z",
            "20191113172216+15",
            "20191113172216+01:0",
            "20191113172216z",
            "Wed Nov 13 00:00:00 UTC 2019",
            "2019111317221éZ",
        ] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whole_seconds_come_back(seconds in 0..253_402_207_200_u64) {
            let time = Millis(seconds * 1_000);
            prop_assert_eq!(moment(&written(time)), Some(time));
        }
    }
}
