//! What holds for every set of records.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::record::GroupSet;

/// A record on one of some numbers, of every type that a life has.
fn any_lodging() -> impl Strategy<Value = Lodging> {
    (0u8..11, 1u32..6, 1u32..6, 0u64..200, 0u8..6, 0u64..3).prop_map(|(which, one, other, at, choice, revision)| {
        let (one, other) = (s10(one), s10(other));
        let pick = |words: &[&'static str]| words[usize::from(choice) % words.len()];
        let action = ["original", "correction", "cancellation"][revision as usize];
        let reference = json!({"own_reference": format!("X{choice}"), "revision": revision, "action": action, "made_at": clock(at)});
        let (issuer, mut json) = match which {
            0 => ("post-gb", declaration("D", pick(&["ens_preloading", "import", "pre_advice"]), at)),
            1 | 2 => {
                let kind = pick(&["same_as", "relabelled", "split_into", "merged_from", "returned_as"]);
                (pick(&["carrier-gb", "post-fr"]), link("L", kind, &one, &[&other]))
            }
            3 | 4 => (pick(&["carrier-gb", "post-gb"]), event(pick(&["posted", "loaded", "departed", "arrived", "delivered"]), at)),
            5 => ("customs-fr", response("C", pick(&["released", "held_exam", "assessment_complete", "seized"]))),
            6 => (
                "customs-fr",
                json!({"type": "referral", "referral": {"kind": pick(&["rfi", "rfs", "dnl"]), "reference": "REF1",
                    "state": pick(&["open", "insufficient", "closed"]), "deadline": clock(100)}}),
            ),
            7 => (
                pick(&["post-gb", "carrier-gb"]),
                json!({"type": "referral_answer", "answer": {"kind": "rfi", "reference": "REF1",
                    "outcome": pick(&["information_given", "not_loaded", "already_departed"])}}),
            ),
            8 => ("agency-fr", json!({"type": "agency_decision", "decision": {"control": "TOYS", "state": pick(&["held", "released"])}})),
            9 => (
                "platform-gb",
                json!({"type": "order", "order": {"number": pick(&["1", "2"])}}),
            ),
            _ => (
                "carrier-gb",
                json!({"type": "consignment", "unit": {"level": "receptacle", "id": pick(&["B1", "B2"]), "issuer": "x"},
                    "contains": [{"level": "item", "scheme": "s10", "id": one}]}),
            ),
        };
        match which {
            0 => {
                json["filing"]["revision"] = revision.into();
                json["filing"]["action"] = action.into();
                json["order"] = json!({"reference": pick(&["1", "2"])});
                json["seller"] = json!({"platform": "platform-gb"});
                json["item"]["id"] = one.into();
            }
            10 => json["reference"] = reference,
            _ => {
                json["reference"] = reference;
                json["item"] = item(&one);
            }
        }
        lodge(issuer, at, json)
    })
}

fn lodgings() -> impl Strategy<Value = Vec<Lodging>> {
    proptest::collection::vec(any_lodging(), 0..24).prop_map(|mut all| {
        // One record once: a second arrival of a root is a view more.
        let mut seen = BTreeSet::new();
        all.retain(|lodging| seen.insert(lodging.root));
        all
    })
}

fn told(id: &str, lodgings: &[Lodging]) -> crate::api::LifeReport {
    Life::of(closure(id, lodgings), minute(150), &Rules::sample().unwrap()).report()
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(all in lodgings(), turns in proptest::collection::vec(any::<Index>(), 24)) {
        let mut shuffled = all.clone();
        for (at, turn) in turns.iter().enumerate().take(shuffled.len()) {
            let other = turn.index(shuffled.len());
            shuffled.swap(at, other);
        }
        prop_assert_eq!(told(&s10(1), &all), told(&s10(1), &shuffled));
    }

    #[test]
    fn when_a_proven_record_was_entered_here_does_not_matter(all in lodgings(), late in proptest::collection::vec(0u64..500, 24)) {
        let mut later = all.clone();
        for (lodging, late) in later.iter_mut().zip(&late) {
            lodging.lodged.entered = lodging.lodged.entered.plus(late * 60_000);
        }
        let (before, mut after) = (told(&s10(1), &all), told(&s10(1), &later));
        let entered = |report: &crate::api::LifeReport| -> Vec<String> {
            report.records.values().flatten().chain(&report.earlier).map(|line| line.entered.clone()).collect()
        };
        let times = entered(&before);
        let lines = after.records.values_mut().flatten().chain(&mut after.earlier);
        lines.zip(times).for_each(|(line, entered)| line.entered = entered);
        prop_assert_eq!(after, before);
    }

    #[test]
    fn every_number_of_an_item_leads_to_the_same_records(all in lodgings()) {
        let seen = closure(&s10(1), &all);
        for alias in &seen.aliases {
            let other = closure(&alias.key.item.id, &all);
            let names = |closure: &Closure<'_>| closure.aliases.iter().map(|alias| alias.key.clone()).collect::<BTreeSet<_>>();
            prop_assert_eq!(names(&other), names(&seen));
            prop_assert_eq!(roots(&other), roots(&seen));
        }
        // What is related to it is related the other way round.
        for relation in &seen.relations {
            let back = closure(&relation.key.item.id, &all);
            let own: BTreeSet<&ItemKey> = seen.aliases.iter().map(|alias| &alias.key).collect();
            prop_assert!(back.relations.iter().any(|relation| own.contains(&relation.key)));
        }
    }

    #[test]
    fn a_record_of_another_item_changes_nothing(all in lodgings(), mut others in lodgings()) {
        let before = told(&s10(1), &all);
        others.retain(|lodging| !matches!(lodging.sealed.content().table().name, "link" | "consignment" | "order" | "referral_answer"));
        let mut more = all;
        for lodging in others {
            // The same on a number that nobody links, by issuers of its own.
            let json = crate::record::content_to_json(lodging.sealed.content()).to_string();
            let mut json: Json = serde_json::from_str(&json).unwrap();
            json.as_object_mut().unwrap().remove("withheld");
            json["item"]["id"] = s10(77).into();
            let group = if json["type"] == "declaration" { "filing" } else { "reference" };
            json[group]["own_reference"] = "Z".into();
            more.push(lodge(lodging.issuer.as_str(), 20, json));
        }
        let mut seen = BTreeSet::new();
        more.retain(|lodging| seen.insert(lodging.root));
        prop_assert_eq!(told(&s10(1), &more), before);
    }

    #[test]
    fn hidden_groups_give_less_and_nothing_else(all in lodgings(), masks in proptest::collection::vec(any::<u32>(), 24)) {
        let whole = told(&s10(1), &all);
        let cut: Vec<Lodging> = all
            .iter()
            .zip(&masks)
            .map(|(lodging, mask)| {
                let table = lodging.sealed.content().table();
                // Which record it is stays shown: versions are told apart by it.
                let kept = table.set([if table.name == "declaration" { "filing" } else { "reference" }]).unwrap();
                let groups = GroupSet(mask & table.all_groups().0).union(kept);
                let names = groups.names(table);
                lodging.clone().seen(&names, Purpose::SafetySecurity)
            })
            .collect();
        let part = told(&s10(1), &cut);
        let names = |report: &crate::api::LifeReport| report.other_names.iter().map(|name| name.id.clone()).collect::<BTreeSet<_>>();
        prop_assert!(names(&part).is_subset(&names(&whole)));
        let roots = |report: &crate::api::LifeReport| report.steps.iter().map(|step| step.by.root.clone()).collect::<BTreeSet<_>>();
        prop_assert!(roots(&part).is_subset(&roots(&whole)));
        for (field, data) in &part.route {
            for datum in data {
                prop_assert!(whole.route.get(field).is_some_and(|all| all.iter().any(|other| other.value == datum.value)));
            }
        }
        // No alarm and no contradiction is made up, and nobody is called late who was in time.
        let of = |report: &crate::api::LifeReport, finding| {
            report.flags.iter().filter(|flag| flag.finding == finding).map(|flag| flag.id.clone()).collect::<BTreeSet<_>>()
        };
        for finding in [Finding::RevisionContradicts, Finding::LinkToItself, Finding::NotTheirs] {
            prop_assert!(of(&part, finding).is_subset(&of(&whole, finding)), "{}", finding);
        }
    }

    #[test]
    fn nothing_is_called_released_that_is_not(all in lodgings(), masks in proptest::collection::vec(any::<u32>(), 24)) {
        let cut = all.iter().zip(&masks).map(|(lodging, mask)| {
            let table = lodging.sealed.content().table();
            // Of what item a record is, and which version of what, stays shown.
            let kept = match table.name {
                "declaration" => vec!["filing", "item"],
                "customs_response" | "agency_decision" => vec!["reference", "item"],
                _ => return lodging.clone(),
            };
            let groups = GroupSet(mask & table.all_groups().0).union(table.set(kept).unwrap());
            lodging.clone().seen(&groups.names(table), Purpose::SafetySecurity)
        });
        let cut: Vec<Lodging> = cut.collect();
        let rules = judged::toys();
        let state = |lodgings: &[Lodging]| Life::of(closure(&s10(1), lodgings), minute(150), &rules).release.state;
        let (whole, part) = (state(&all), state(&cut));
        prop_assert!(part != ReleaseState::Released || whole == ReleaseState::Released, "{} but {}", part, whole);
        prop_assert!(part != ReleaseState::Refused || whole == ReleaseState::Refused, "{} but {}", part, whole);
    }
}
