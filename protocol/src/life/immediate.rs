//! Immediate release of an item: the category of each declaration that holds, as far as the joined views show what decides it.
//!
//! Not here: the dated rules ([`crate::reference`]) and how one is chosen ([`crate::quality::Release`]).

use std::sync::Arc;

use super::Life;
use super::held::Shown;
use super::paper::Paper;
use crate::api::ImmediateLine;
use crate::quality::{Category, Checker, Circumstances, Release};
use crate::record::Source;
use crate::record::TypeTable;

impl Life<'_> {
    /// The category of immediate release of every declaration that counts, by the rules of the day on which it came. A referral that waits
    /// and a control that is not decided exclude it; where it is hidden whether a control applies, nothing is told. `checker` gives the rules for
    /// a type table.
    pub fn immediate(&self, checker: impl Fn(&'static TypeTable) -> Arc<Checker>) -> Vec<ImmediateLine> {
        let now = Circumstances {
            referral_open: self.referrals.iter().any(|referral| !referral.withdrawn && referral.state.waits()),
            agency_control: self.release.says.iter().any(|say| say.control != super::release::CUSTOMS && !say.released),
        };
        let papers = self.closure.counting("declaration").map(|paper| {
            let mut told = checker(paper.table).release(&Joined(paper), paper.at().day(), now);
            if !self.release.open.is_empty() && told.category != Category::Excluded {
                let open = self.release.open.join(", ");
                told.reason = format!("it cannot be told: what decides on {open} is not shown");
                told = Release {
                    category: Category::NotShown,
                    required: Vec::new(),
                    missing: Vec::new(),
                    list: None,
                    ..told
                };
            }
            ImmediateLine {
                root: paper.root.hex(),
                issuer: paper.issuer.clone(),
                reference: paper.reference.clone(),
                category: told.category,
                reason: told.reason,
                required: told.required,
                missing: told.missing,
                hidden: told.hidden,
                list: told.list.map(|list| list.as_ref().clone()),
            }
        });
        papers.collect()
    }
}

/// A record as all of its joined views show it together.
struct Joined<'p, 'a>(&'p Paper<'a>);

impl Joined<'_, '_> {
    fn sources(&self) -> impl Iterator<Item = &dyn Source> {
        self.0.views.iter().map(|held| -> &dyn Source {
            match held.shown {
                Shown::Own(content) => content,
                Shown::View(view) => view,
            }
        })
    }
}

impl Source for Joined<'_, '_> {
    fn table(&self) -> &'static TypeTable {
        self.0.table
    }

    fn goods(&self) -> usize {
        self.sources().map(Source::goods).max().unwrap_or(0)
    }

    fn shows(&self, group: usize) -> bool {
        self.sources().any(|source| source.shows(group))
    }

    fn leaf(&self, group: usize, item: usize) -> &[u8] {
        self.sources().find(|source| source.shows(group)).map_or(&[], |source| source.leaf(group, item))
    }
}
