//! Two writers at once, power losses, and files that somebody changed.

use std::collections::BTreeSet;
use std::sync::Barrier;

use luxor_protocol::credential::Status;
use proptest::prelude::*;

use super::super::folder::Folder;
use super::super::register::{Changed, Line, State};
use super::*;

const REGISTER: &str = "issuer/register.ndjson";
const STATUSES: &str = "issuer/statuses.json";

impl Place {
    fn status(&self, index: u64) -> Status {
        Folder::open(&self.path("issuer")).unwrap().list.get(index).unwrap()
    }
}

#[test]
fn one_command_works_on_a_folder_at_a_time() {
    let place = Place::new(&[]);
    let held = Folder::open(&place.path("issuer")).unwrap();
    for refused in [place.issue(NOW, "c", &[]), place.change(NOW, "revoke")] {
        let (exit, said) = refused.unwrap_err();
        assert!(exit == Exit::Refused && said.contains("another command works on"), "{said}");
    }
    assert!(place.register().is_empty() && !place.path("c").exists());
    drop(held);
    place.issue(NOW, "c", &[]).unwrap();
    // Eight at the same moment: each is done or refused, and no number is there twice.
    let start = Barrier::new(8);
    let done: Vec<bool> = std::thread::scope(|scope| {
        let run = |n: usize| {
            let (place, start) = (&place, &start);
            scope.spawn(move || {
                start.wait();
                match place.issue(NOW, &format!("c-{n}"), &[]) {
                    Ok(_) => true,
                    Err((exit, said)) => {
                        assert!(exit == Exit::Refused && said.contains("another command works on"), "{said}");
                        false
                    }
                }
            })
        };
        let threads: Vec<_> = (0..8).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let issued = done.iter().filter(|done| **done).count();
    let indexes = place.indexes();
    assert!(issued > 0 && indexes.len() == issued + 1, "{issued}");
    assert_eq!(indexes.iter().collect::<BTreeSet<_>>().len(), indexes.len());
    assert!((0..8).all(|n| place.path(&format!("c-{n}")).exists() == done[n]));
}

#[test]
fn the_register_leads_and_the_list_follows() {
    let place = Place::new(&[]);
    place.issue(NOW, "c", &[]).unwrap();
    let index = place.indexes()[0];
    // Power lost between register and list: the list is the one before.
    let before = fs::read(place.path(STATUSES)).unwrap();
    place.change(NOW + 1, "revoke").unwrap();
    let after = fs::read(place.path(STATUSES)).unwrap();
    assert_ne!(before, after);
    for lost in [before.as_slice(), b"", b"{\"register\":"] {
        fs::write(place.path(STATUSES), lost).unwrap();
        place.publish(NOW + 2);
        assert_eq!(fs::read(place.path(STATUSES)).unwrap(), after);
        assert_eq!(failed(&place.verify(NOW + 2, "c", &[])), ["status"]);
    }
    fs::remove_file(place.path(STATUSES)).unwrap();
    assert_eq!(place.status(index), Status::Invalid);
}

#[test]
fn a_line_without_its_end_is_cut_off() {
    let place = Place::new(&[]);
    place.issue(NOW, "c", &[]).unwrap();
    place.issue(NOW, "d", &["--claim", "eori=DE7654321"]).unwrap();
    let whole = fs::read(place.path(REGISTER)).unwrap();
    let statuses = fs::read(place.path(STATUSES)).unwrap();
    place.change(NOW + 1, "suspend").unwrap();
    let longer = fs::read(place.path(REGISTER)).unwrap();
    // At every byte of the line: nothing of it counts, and the next command goes on.
    for end in whole.len()..longer.len() {
        fs::write(place.path(REGISTER), &longer[..end]).unwrap();
        fs::write(place.path(STATUSES), &statuses).unwrap();
        assert_eq!(place.status(place.indexes_of(&whole)[0]), Status::Valid);
        assert_eq!(fs::read(place.path(REGISTER)).unwrap(), whole, "{end}");
    }
    place.change(NOW + 1, "suspend").unwrap();
    assert_eq!(fs::read(place.path(REGISTER)).unwrap(), longer);
}

impl Place {
    fn indexes_of(&self, register: &[u8]) -> Vec<u64> {
        let lines = register.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
        lines.filter_map(|line| line["issued"]["index"].as_u64()).collect()
    }
}

#[test]
fn an_older_or_changed_register_is_refused() {
    let place = Place::new(&[]);
    let empty = fs::read(place.path(REGISTER)).unwrap();
    place.issue(NOW, "c", &[]).unwrap();
    let first = fs::read(place.path(REGISTER)).unwrap();
    place.change(NOW + 1, "revoke").unwrap();
    let whole = fs::read(place.path(REGISTER)).unwrap();
    let mut changed = whole.clone();
    let at_name = changed.windows(8).position(|bytes| bytes == b"Beispiel").unwrap();
    changed[at_name] = b'b';
    for (bytes, words) in [(&empty, "it has 0 bytes and had"), (&first, "and had"), (&changed, "it was changed since")]
    {
        fs::write(place.path(REGISTER), bytes).unwrap();
        let (exit, said) = place.issue(NOW + 2, "d", &[]).unwrap_err();
        assert!(exit == Exit::Refused && said.contains(words), "{said}");
        assert_eq!(&fs::read(place.path(REGISTER)).unwrap(), bytes);
    }
    // What stands behind is read as strictly: a number twice, a state that cannot come next, no line at all.
    let line = String::from_utf8(first.clone()).unwrap();
    let reinstated = r#"{"changed":{"attestations":[INDEX],"state":"valid","since":"2026-11-26T10:00:00Z"}}"#;
    let reinstated = reinstated.replace("INDEX", &place.indexes_of(&first)[0].to_string());
    for (behind, words) in
        [(line.trim_end(), "used twice"), (&reinstated, "cannot become valid"), ("x", "line 3: expected value")]
    {
        fs::write(place.path(REGISTER), [&whole[..], behind.as_bytes(), b"\n"].concat()).unwrap();
        let (exit, said) = place.change(NOW + 2, "revoke").unwrap_err();
        assert!(exit == Exit::Refused && said.contains(words), "{said}");
    }
    fs::write(place.path(REGISTER), &whole).unwrap();
    assert_eq!(place.status(place.indexes()[0]), Status::Invalid);
}

#[test]
fn a_line_that_is_refused_or_not_written_is_never_there() {
    let place = Place::new(&[]);
    place.issue(NOW, "c", &[]).unwrap();
    let index = place.indexes()[0];
    let whole = fs::read(place.path(REGISTER)).unwrap();
    let mut folder = Folder::open(&place.path("issuer")).unwrap();
    let mark = folder.register.mark();
    let change = |of, state| Line::Changed(Changed { attestations: vec![index, of], state, since: NOW, reason: None });
    let issued = Line::Issued(Box::new(folder.register.credential(index).unwrap().clone()));
    for (line, words) in [
        (change(index ^ 1, State::Revoked), "is not there, or cannot become revoked"),
        (change(index, State::Valid), "is not there, or cannot become valid"),
        (issued, "is used twice"),
    ] {
        let said = folder.register.append(line).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
        assert_eq!(fs::read(place.path(REGISTER)).unwrap(), whole);
    }
    // As if the disk went away.
    fs::rename(place.path(REGISTER), place.path("away")).unwrap();
    folder.register.append(change(index, State::Revoked)).unwrap_err();
    fs::rename(place.path("away"), place.path(REGISTER)).unwrap();
    assert_eq!((folder.register.standing(index), folder.register.mark()), ((State::Valid, NOW), mark));
}

#[test]
fn a_credential_that_cannot_be_written_keeps_its_number() {
    let place = Place::new(&[]);
    let (exit, said) = place.issue(NOW, "missing/c", &[]).unwrap_err();
    let index = place.indexes()[0];
    assert!(exit == Exit::Failed && said.contains(&format!("number {index} is in the register")), "{said}");
    place.renew(NOW, index, "c").unwrap();
    place.publish(NOW);
    assert!(failed(&place.verify(NOW, "c", &[])).is_empty());
    assert_ne!(place.indexes()[1], index);
}

#[test]
fn a_full_list_is_told() {
    let place = Place::new(&[]);
    place.issue(NOW, "c", &[]).unwrap();
    // A register with all numbers but one, as 1,023 commands would leave it.
    let one = place.register().remove(0);
    let mut text = String::new();
    for index in (0..1_024).filter(|index| *index != 700) {
        let mut line = one.clone();
        line["issued"]["index"] = json!(index);
        line["issued"]["attestation"] = json!(index);
        text.push_str(&format!("{line}\n"));
    }
    fs::write(place.path(REGISTER), text).unwrap();
    fs::remove_file(place.path(STATUSES)).unwrap();
    place.issue(NOW, "c", &[]).unwrap();
    assert_eq!(place.indexes().last(), Some(&700));
    let (exit, said) = place.issue(NOW, "d", &[]).unwrap_err();
    assert!(exit == Exit::Refused && said.contains("all 1,024 numbers of the status list are used"), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever is done in whatever order: the list is what the register says, no number is used twice, and revoked stays so.
    #[test]
    fn the_list_is_what_was_done(steps in prop::collection::vec((0..5usize, 0..4usize), 1..14)) {
        let place = Place::new(&[]);
        let dir = place.text("issuer");
        // State of each chain of credentials, with its numbers.
        let mut chains: Vec<(Status, Vec<u64>)> = Vec::new();
        for (step, which) in steps {
            let at_which = chains.len().checked_sub(1).map(|last| which.min(last));
            let (Some(at_which), 1..) = (at_which, step) else {
                let number = format!("eori=DE{}", chains.len());
                place.issue(NOW, "c", &["--claim", &number]).unwrap();
                chains.push((Status::Valid, vec![*place.indexes().last().unwrap()]));
                continue;
            };
            let (state, numbers) = &mut chains[at_which];
            let index = numbers[which % numbers.len()];
            let text = index.to_string();
            let change = |what: &str| at(NOW, &[what, "--dir", &dir, "--index", &text]).is_ok();
            match step {
                1 => {
                    let done = place.renew(NOW, index, "c").is_ok();
                    prop_assert_eq!(done, *state == Status::Valid);
                    if done {
                        numbers.push(*place.indexes().last().unwrap());
                    }
                }
                2 => {
                    prop_assert!(change("revoke"));
                    *state = Status::Invalid;
                }
                other => {
                    let (what, next) = if other == 3 { ("suspend", Status::Suspended) } else { ("reinstate", Status::Valid) };
                    prop_assert_eq!(change(what), *state != Status::Invalid);
                    *state = if *state == Status::Invalid { *state } else { next };
                }
            }
        }
        // What was kept up to date is what is made from the register alone.
        let stored = fs::read(place.path(STATUSES)).unwrap();
        fs::remove_file(place.path(STATUSES)).unwrap();
        let folder = Folder::open(&place.path("issuer")).unwrap();
        prop_assert_eq!(fs::read(place.path(STATUSES)).unwrap(), stored);
        let expected: std::collections::BTreeMap<u64, Status> =
            chains.iter().flat_map(|(state, numbers)| numbers.iter().map(|number| (*number, *state))).collect();
        prop_assert_eq!(expected.len(), chains.iter().map(|(_, numbers)| numbers.len()).sum::<usize>());
        for index in 0..1_024 {
            prop_assert_eq!(folder.list.get(index).unwrap(), expected.get(&index).copied().unwrap_or(Status::Valid));
        }
    }
}
