//! Parties by what they are known by, and numbers in place of their names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::life::Paper;
use crate::sets::Sets;
use crate::statistics::fact::Role;
use crate::statistics::read::FactRow;

/// By what each party is known, in the order of [`Role::ALL`].
pub(super) fn names(paper: &Paper<'_>) -> [BTreeSet<String>; 3] {
    let add = |of: &mut BTreeSet<String>, id: Option<&str>, name: Option<&str>, country: Option<&str>| {
        let text = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        of.extend(id.map(|id| format!("id {}", text(id))));
        of.extend(name.map(|name| format!("name {} {}", country.unwrap_or_default(), text(name))));
    };
    let [mut importer, mut seller, mut filer] = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    let rows = |group: &str| paper.rows(group);
    for row in rows("addressee") {
        add(&mut importer, row.text("id"), row.text("name"), row.text("country"));
    }
    for row in rows("seller") {
        let account = row.text("account").map(|id| format!("{} {id}", row.text("platform").unwrap_or_default()));
        add(&mut seller, account.as_deref(), row.text("name"), row.text("country"));
    }
    if seller.is_empty() {
        for row in rows("sender") {
            add(&mut seller, row.text("id"), row.text("name"), row.text("country"));
        }
    }
    for row in rows("declarant") {
        let of = match row.text("role") {
            Some("importer") => &mut importer,
            Some("exporter") => continue,
            _ => &mut filer,
        };
        add(of, row.text("id"), row.text("name"), row.text("country"));
    }
    if filer.is_empty() {
        for row in rows("principal") {
            add(&mut filer, row.text("id"), row.text("name"), row.text("country"));
        }
    }
    if filer.is_empty() {
        filer.insert(format!("member {}", paper.issuer));
    }
    [importer, seller, filer]
}

/// Gives parties numbers: all names that stand together once are one party.
pub(super) fn number(rows: &mut [FactRow], parties: &[(usize, [BTreeSet<String>; 3])]) {
    for (role, letter) in (0..Role::ALL.len()).zip(["i", "s", "f"]) {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut sets = Sets::default();
        for (_, names) in parties {
            let mut first: Option<usize> = None;
            for name in &names[role] {
                let at = *places.entry(name).or_insert_with(|| sets.push());
                sets.join(*first.get_or_insert(at), at);
            }
        }
        let mut numbers: BTreeMap<usize, Arc<str>> = BTreeMap::new();
        for (row, names) in parties {
            let Some(at) = names[role].first().and_then(|name| places.get(name.as_str())) else { continue };
            let next = numbers.len() + 1;
            let party = numbers.entry(sets.root(*at)).or_insert_with(|| format!("{letter}{next}").into());
            if let Some(party_of) = rows.get_mut(*row).and_then(|row| row.parties.get_mut(role)) {
                *party_of = Some(party.clone());
            }
        }
    }
}
