//! Edits of a record's content at pointers: a value set, one value replaced by another, something removed.
//!
//! A pointer names a place as findings do: `/route/destination`, `/goods/2/value/amount`, `/attachments/1/name`; goods items and
//! occurrences count from 1, and `*` stands for all that there are. Edits are applied together: a group is looked at when the last of them is
//! through. Not here: what a record is held to beyond its type table ([`Content::check_complete`], [`crate::quality`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::content::{Content, ContentError, Occurrences};
use super::table::{Field, Group, Scope, TypeTable};
use super::value::{Value, ValueError};
use crate::limits::{MAX_EDIT_BYTES, MAX_EDITS};

/// One edit. Values are text as in a CSV cell: decimals, days and words as they are written, `true` or `false`, bytes in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// A field gets a value. A group that is not there is made, and an occurrence right behind the last one.
    Set {
        /// The field.
        pointer: String,
        /// Its value.
        value: String,
    },
    /// A field that has one value gets another; other values stay.
    Replace {
        /// The field.
        pointer: String,
        /// The value that it has.
        from: String,
        /// The value that it gets.
        to: String,
    },
    /// A field, an occurrence of a group or a whole group goes.
    Remove {
        /// What goes.
        pointer: String,
    },
}

/// Content after edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The content.
    pub content: Content,
    /// How many places the edits found.
    pub places: usize,
}

/// Why an edit was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The pointer is none, or leads nowhere in this type.
    #[error(
        "{pointer}: {what}\nhint: a pointer reads /group/field, /goods/1/group/field or /goods/*/group/field; a group that repeats has its occurrence behind its name"
    )]
    Pointer {
        /// The pointer.
        pointer: String,
        /// What is wrong with it.
        what: String,
    },
    /// The field cannot hold the value.
    #[error("{pointer}: {error}")]
    Value {
        /// The pointer.
        pointer: String,
        /// What is wrong with the value.
        error: ValueError,
    },
    /// Too many edits, or one that is too long.
    #[error("more than {MAX_EDITS} edits, or one of more than {MAX_EDIT_BYTES} bytes")]
    Limit,
    /// What comes of them breaks the type table.
    #[error(transparent)]
    Content(#[from] ContentError),
}

/// Whether edits are within the limits of one mass fix.
///
/// # Errors
/// [`EditError::Limit`].
pub fn check_edits(edits: &[Edit]) -> Result<(), EditError> {
    let long = |edit: &Edit| match edit {
        Edit::Set { pointer, value } => pointer.len() + value.len() > MAX_EDIT_BYTES,
        Edit::Replace { pointer, from, to } => pointer.len() + from.len() + to.len() > MAX_EDIT_BYTES,
        Edit::Remove { pointer } => pointer.len() > MAX_EDIT_BYTES,
    };
    if edits.len() > MAX_EDITS || edits.iter().any(long) { Err(EditError::Limit) } else { Ok(()) }
}

/// Applies edits one after the other, all or none.
///
/// # Errors
/// [`EditError`] with the first that cannot be applied. One that finds no place is none: see [`Edited::places`].
pub fn apply_edits(content: &Content, edits: &[Edit]) -> Result<Edited, EditError> {
    check_edits(edits)?;
    let mut touched: BTreeMap<(usize, usize), Occurrences> = BTreeMap::new();
    let mut places = 0;
    for edit in edits {
        let (Edit::Set { pointer, .. } | Edit::Replace { pointer, .. } | Edit::Remove { pointer }) = edit;
        let place = Place::read(content.table(), pointer)?;
        let change = Change::read(edit, &place)?;
        let items = if place.group.scope == Scope::Record { 1 } else { content.items() };
        for item in (0..items).filter(|item| place.item.is_none_or(|wanted| wanted.names(*item))) {
            let at = (place.at, item);
            let now = touched.entry(at).or_insert_with(|| content.occurrences(place.at, item));
            places += change.apply(&place, now);
        }
    }
    let mut edited = content.clone();
    for ((group, item), occurrences) in touched {
        if occurrences != content.occurrences(group, item) {
            edited.set(group, item, occurrences)?;
        }
    }
    Ok(Edited { content: edited, places })
}

/// The content as a correction of what it was: with a higher revision where its type counts them, and no word that it is the original.
/// `before` is what is corrected, `corrects` whether that was a correction itself.
///
/// # Errors
/// [`ContentError`] where there are no higher revisions.
pub fn as_correction(content: &Content, before: &Content, corrects: bool) -> Result<Content, ContentError> {
    let Some((at, group)) = content.table().head() else { return Ok(content.clone()) };
    let (Some(revision), Some(action)) = (group.field("revision"), group.field("action")) else {
        return Ok(content.clone());
    };
    let of = |content: &Content| match content.field(group.name, "revision") {
        Some(Value::Uint(revision)) => revision,
        _ => u64::from(corrects || content.field(group.name, "action").is_some_and(|word| word != original())),
    };
    let mut corrected = content.clone();
    let mut occurrences = content.occurrences(at, 0);
    let Some(fields) = occurrences.first_mut() else { return Ok(corrected) };
    let next = of(content).max(of(before) + 1);
    fields.retain(|(number, value)| *number != revision.number && !(*number == action.number && *value == original()));
    fields.push((revision.number, Value::Uint(next)));
    corrected.set(at, 0, occurrences)?;
    Ok(corrected)
}

fn original() -> Value {
    Value::Text("original".to_owned())
}

/// All, or one of them from 0.
#[derive(Debug, Clone, Copy)]
enum Which {
    All,
    One(usize),
}

impl Which {
    fn read(text: &str) -> Option<Self> {
        match text {
            "*" => Some(Self::All),
            _ => text.parse::<usize>().ok().filter(|at| at.to_string() == text)?.checked_sub(1).map(Self::One),
        }
    }

    fn names(self, at: usize) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == at,
        }
    }
}

/// A pointer read by a type table.
struct Place {
    at: usize,
    group: &'static Group,
    /// Of a group of goods items.
    item: Option<Which>,
    /// Of a group that repeats.
    occurrence: Option<Which>,
    field: Option<&'static Field>,
}

impl Place {
    fn read(table: &'static TypeTable, pointer: &str) -> Result<Self, EditError> {
        let wrong = |what: String| EditError::Pointer { pointer: pointer.to_owned(), what };
        let mut parts = pointer.strip_prefix('/').ok_or_else(|| wrong("it does not begin with /".into()))?.split('/');
        let mut name = parts.next().unwrap_or_default();
        let mut item = None;
        if name == "goods" && table.group("goods").is_none() {
            let which = parts.next().unwrap_or_default();
            item = Some(Which::read(which).ok_or_else(|| wrong(format!("'{which}' is no goods item")))?);
            name = parts.next().unwrap_or_default();
        }
        let found = table.group(name).filter(|(_, group)| (group.scope == Scope::Item) == item.is_some());
        let (at, group) = found.ok_or_else(|| wrong(format!("{} has no group '{name}' here", table.name)))?;
        let mut next = parts.next();
        let occurrence = next.and_then(Which::read);
        if occurrence.is_some() {
            next = parts.next();
        }
        let named =
            |name: &str| group.field(name).ok_or_else(|| wrong(format!("{} has no field '{name}'", group.name)));
        let field = next.map(named).transpose()?;
        if let Some(more) = parts.next() {
            return Err(wrong(format!("'{more}' stands behind a field")));
        }
        match (group.repeats, occurrence.is_some()) {
            (true, false) if field.is_some() => {
                Err(wrong(format!("{} repeats: say which occurrence, or *", group.name)))
            }
            (false, true) => Err(wrong(format!("{} does not repeat", group.name))),
            _ => Ok(Self { at, group, item, occurrence, field }),
        }
    }
}

/// An edit with values of their field.
enum Change<'e> {
    Set(u8, Value),
    Replace(u8, &'e str, Value),
    RemoveField(u8),
    Remove,
}

impl<'e> Change<'e> {
    fn read(edit: &'e Edit, place: &Place) -> Result<Self, EditError> {
        let value = |pointer: &String, text: &str| match place.field {
            Some(field) => {
                let value = field.kind.parse(text);
                value
                    .map(|value| (field.number, value))
                    .map_err(|error| EditError::Value { pointer: pointer.clone(), error })
            }
            None => Err(EditError::Pointer { pointer: pointer.clone(), what: "it names no field".into() }),
        };
        Ok(match edit {
            Edit::Set { pointer, value: text } => {
                let (number, value) = value(pointer, text)?;
                Self::Set(number, value)
            }
            Edit::Replace { pointer, from, to } => {
                let (number, value) = value(pointer, to)?;
                Self::Replace(number, from, value)
            }
            Edit::Remove { .. } => place.field.map_or(Self::Remove, |field| Self::RemoveField(field.number)),
        })
    }

    /// Applies it to the occurrences of a group; how many places it found.
    fn apply(&self, place: &Place, occurrences: &mut Occurrences) -> usize {
        if let Self::Set(..) = self {
            let next = occurrences.len();
            let new = match place.occurrence {
                None => next == 0,
                Some(Which::One(at)) => at == next,
                Some(Which::All) => false,
            };
            if new {
                occurrences.push(Vec::new());
            }
        }
        if let Self::Remove = self {
            let before = occurrences.len();
            let mut at = 0..;
            occurrences.retain(|_| !at.next().is_some_and(|at| place.occurrence.is_none_or(|which| which.names(at))));
            return before - occurrences.len();
        }
        let mut places = 0;
        for (at, fields) in occurrences.iter_mut().enumerate() {
            if place.occurrence.is_some_and(|which| !which.names(at)) {
                continue;
            }
            places += match self {
                Self::Set(number, value) => {
                    fields.retain(|(field, _)| field != number);
                    fields.push((*number, value.clone()));
                    1
                }
                Self::Replace(number, from, to) => {
                    let same = |(field, value): &&mut (u8, Value)| field == number && value.to_string() == *from;
                    fields.iter_mut().find(same).map_or(0, |(_, value)| {
                        *value = to.clone();
                        1
                    })
                }
                Self::RemoveField(number) => {
                    let before = fields.len();
                    fields.retain(|(field, _)| field != number);
                    before - fields.len()
                }
                Self::Remove => 0,
            };
            fields.sort_by_key(|(number, _)| *number);
        }
        // An occurrence without fields is none; those behind it keep their numbers until all edits are through.
        places
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
