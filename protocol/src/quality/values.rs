//! Rules about single values and about values that stand together in one occurrence of a group.

use super::checker::Role;
use super::pass::{At, Open, Pass};
use crate::record::{Decimal, HS, Held};
use crate::reference::{
    CurrencyState, Eori, Ioss, Rule, S10Error, Vague, Vat, eori, gs1, ioss, millionths, s10, too_short, vat,
};
use crate::time::{Day, Millis};

/// Days by which a clock or a time zone may be ahead.
const AHEAD: u64 = 1;

impl<'l> Pass<'_, 'l> {
    /// Takes one value.
    pub(super) fn value(&mut self, role: Role, at: At, held: Held<'l>) {
        match (role, held) {
            (Role::Territory, Held::Text(code)) => self.territory(at, code),
            (Role::Destination, Held::Text(code)) => {
                self.territory(at, code);
                self.facts.destination = code.parse().ok();
            }
            (Role::Currency, Held::Text(code)) => self.keep().currency = Some((code, at)),
            (Role::Money, Held::Decimal(amount)) => self.money(at, amount),
            (Role::Value, Held::Decimal(amount)) => {
                self.money(at, amount);
                self.goods_value(at, amount);
            }
            (Role::Scheme, Held::Text(scheme)) => self.keep().scheme = Some(scheme),
            (Role::ItemId | Role::FiscalId | Role::DeclarantId, Held::Text(id)) => self.keep().id = Some((id, at)),
            (Role::Capacity, Held::Text(role)) => self.keep().role = Some(role),
            (Role::Kind, Held::Text(kind)) => self.facts.kind = Some(kind),
            (Role::DataSet, Held::Text(set)) => self.facts.data_set = Some((set, at)),
            (Role::Category, Held::Text(category)) => self.facts.category = Some(category),
            (Role::Transaction, Held::Text(of)) => self.facts.transaction = Some(of),
            (Role::Action, Held::Text(action)) => self.facts.cancelled = action == "cancellation",
            (Role::FiledOn, Held::Day(day)) => {
                self.past(at, day);
                self.facts.filed_on = Some((day, at));
            }
            (Role::SoldAt, Held::Time(time)) => {
                self.past(at, time.day());
                self.facts.sold_at = Some(time);
            }
            (Role::Past, Held::Day(day)) => self.past(at, day),
            (Role::Past, Held::Time(time)) => self.past(at, time.day()),
            (Role::Departs, Held::Time(time)) => self.keep().departs = Some(time),
            (Role::Arrives, Held::Time(time)) => self.keep().arrives = Some((time, at)),
            (Role::Gross, Held::Decimal(mass)) => self.facts.gross = Some((mass, at)),
            (Role::GoodsGross, Held::Decimal(mass)) => self.of_goods(at, |goods| goods.gross = Some((mass, at))),
            (Role::Dangerous, Held::Bool(is)) => self.facts.dangerous = is,
            (Role::Description, Held::Text(text)) => self.description(at, text),
            (Role::Units, Held::Uint(units)) => self.of_goods(at, |goods| goods.units = Some(units)),
            (Role::Hs, Held::Text(code)) => {
                self.keep().hs = Some((code, at));
                self.of_goods(at, |goods| goods.hs = Some((code, at)));
            }
            (Role::Edition, Held::Uint(year)) => self.keep().edition = Some((year, at)),
            (Role::Net, Held::Decimal(mass)) => self.of_goods(at, |goods| goods.net = Some((mass, at))),
            (Role::Gtin, Held::Text(gtin)) => self.gtin(at, gtin),
            // A role is chosen by name and kind; another kind under the name has no rules.
            _ => {}
        }
    }

    /// Ends an occurrence: what stands together in it.
    pub(super) fn end(&mut self, at: At) {
        if !self.open.used {
            return;
        }
        let open = std::mem::take(&mut self.open);
        self.amounts(&open);
        if let Some((code, at)) = open.hs {
            self.tariff(code, at, open.edition);
        }
        if let (Some(departs), Some((arrives, at))) = (open.departs, open.arrives) {
            self.order(departs, arrives, at);
        }
        let Some((id, place)) = open.id else { return };
        match self.checker.plans[at.group()].group.name {
            "fiscal" => self.fiscal(place, id, open.role),
            "declarant" => {
                if matches!(open.role, Some("declarant" | "representative")) {
                    self.facts.declarants.push((id, place));
                }
            }
            name => self.item(place, id, open.scheme, name == "item"),
        }
    }

    /// What is kept of the occurrence under way.
    fn keep(&mut self) -> &mut Open<'l> {
        self.open.used = true;
        &mut self.open
    }

    fn of_goods(&mut self, at: At, set: impl FnOnce(&mut super::pass::Goods<'l>)) {
        if let Some(goods) = self.facts.goods.get_mut(at.item()) {
            set(goods);
        }
    }

    fn territory(&mut self, at: At, code: &str) {
        let list = &self.checker.book.territories;
        if !list.knows(code, self.day) {
            let hint = if code == "EL" { "; Greece is GR outside VAT numbers" } else { "" };
            self.find(Rule::TerritoryUnknown, at, Some(&list.listed), || {
                format!("'{code}' is no country or customs territory{hint}")
            });
        }
    }

    fn past(&mut self, at: At, day: Day) {
        let today = self.day;
        if day > today.plus(AHEAD) {
            self.find(Rule::DateFuture, at, None, || format!("{day} is still to come on {today}"));
        }
    }

    fn order(&mut self, departs: Millis, arrives: Millis, at: At) {
        if arrives < departs {
            self.find(Rule::DateOrder, at, None, || format!("the arrival {arrives} is before the departure {departs}"));
        }
    }

    fn money(&mut self, at: At, amount: Decimal) {
        if let Some(free) = self.keep().money.iter_mut().find(|place| place.is_none()) {
            *free = Some((amount, at));
        }
    }

    fn goods_value(&mut self, at: At, amount: Decimal) {
        self.of_goods(at, |goods| goods.amount = Some((amount, at)));
        if amount.mantissa < 0 {
            self.find(Rule::ValueNegative, at, None, || format!("the value {amount} is below zero"));
        } else if amount.mantissa == 0 && self.facts.category != Some("documents") {
            self.find(Rule::ValueZero, at, None, || "the value is zero".into());
        }
    }

    /// The amounts of an occurrence and their currency.
    fn amounts(&mut self, open: &Open<'l>) {
        let book = &self.checker.book;
        let list = Some(&book.currencies.listed);
        let amounts = open.money.iter().flatten();
        let Some((code, at)) = open.currency else {
            amounts.for_each(|(amount, at)| {
                self.find(Rule::CurrencyMissing, *at, None, || format!("the amount {amount} has no currency"));
            });
            return;
        };
        if self.checker.plans[at.group()].group.name == "value" {
            self.of_goods(at, |goods| goods.currency = Some(code));
        }
        match book.currencies.state(code, self.day) {
            CurrencyState::Unknown => self.find(Rule::CurrencyUnknown, at, list, || format!("'{code}' is no currency")),
            CurrencyState::NoMoney => {
                self.find(Rule::CurrencyNoMoney, at, list, || format!("{code} is no money that goods are paid in"));
            }
            CurrencyState::Withdrawn(last) => {
                self.find(Rule::CurrencyWithdrawn, at, list, || {
                    format!("{code} was withdrawn; its last day was {last}")
                });
            }
            CurrencyState::Money(decimals) => {
                for (amount, at) in amounts {
                    let unit = 10i64.pow(u32::from(amount.scale.saturating_sub(decimals)));
                    if amount.mantissa % unit != 0 {
                        self.find(Rule::CurrencyMinorUnits, *at, list, || {
                            format!("{amount} {code} has more decimals than the {decimals} of {code}")
                        });
                    }
                    self.plausible_value(*amount, *at, code, decimals);
                }
            }
        }
    }

    fn plausible_value(&mut self, amount: Decimal, at: At, code: &str, decimals: u8) {
        let bounds = &self.checker.book.plausible;
        let most = millionths(bounds.value_most) * if decimals == 0 { 100 } else { 1 };
        if self.checker.plans[at.group()].roles.get(at.field()) == Some(&Role::Value) && millionths(amount) > most {
            self.find(Rule::ValueImplausible, at, Some(&bounds.listed), || {
                format!("{amount} {code} is more than is believed of one goods item")
            });
        }
    }

    fn tariff(&mut self, code: &str, at: At, edition: Option<(u64, At)>) {
        let year = edition.map_or(HS.first(), |(year, _)| year);
        let place = edition.map_or(at, |(_, place)| place);
        let book = &self.checker.book;
        match book.tariff(year) {
            Some(tariff) if tariff.has(code) => {}
            Some(tariff) => self.find(Rule::HsUnknown, at, Some(&tariff.listed), || {
                format!("{code} is no code of the Harmonized System {year}")
            }),
            None => self.find(Rule::HsEditionUnlisted, place, None, || {
                format!("the codes of edition {year} are not at hand, so {code} was not looked up")
            }),
        }
        let day = self.day;
        let Some(named) = HS.editions.iter().find(|known| known.year == year) else { return };
        if edition.is_some() && day < named.from {
            let from = named.from;
            self.find(Rule::HsEditionDay, place, None, || format!("edition {year} is not in force before {from}"));
        } else if let Some(next) = HS.editions.iter().find(|next| next.from > named.from && next.from <= day) {
            let (next, from) = (next.year, next.from);
            self.find(Rule::HsEditionDay, place, None, || format!("edition {next} is in force since {from}"));
        }
    }

    fn description(&mut self, at: At, text: &str) {
        if too_short(text) {
            self.find(Rule::DescriptionShort, at, None, || format!("'{text}' does not say what the goods are"));
            return;
        }
        let Some(words) = self.words else { return };
        match words.find(text) {
            None => {}
            Some(Vague::Alone(term)) => self.find(Rule::DescriptionVague, at, Some(&words.listed), || {
                format!("'{term}' alone does not say what the goods are")
            }),
            Some(Vague::Inside(term)) => self.find(Rule::DescriptionStopWord, at, Some(&words.listed), || {
                format!("'{term}' says nothing of the goods; the other words must")
            }),
        }
    }

    fn gtin(&mut self, at: At, gtin: &str) {
        let right = gs1(gtin);
        if !matches!(gtin.len(), 8 | 12 | 13 | 14) || !right.is_some_and(|right| gtin.ends_with(right)) {
            self.find(Rule::GtinCheckDigit, at, Some(&self.checker.book.numbers), || match right {
                Some(right) if matches!(gtin.len(), 8 | 12 | 13 | 14) => format!("{gtin} should end with {right}"),
                _ => format!("{gtin} has not the 8, 12, 13 or 14 digits of a GTIN"),
            });
        }
    }

    /// The number of an item: `own` where it is that of the record's item.
    fn item(&mut self, at: At, id: &str, scheme: Option<&str>, own: bool) {
        let postal = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("s10"));
        let book = &self.checker.book;
        if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("sscc")) {
            let right = gs1(id);
            if id.len() != 18 || !right.is_some_and(|right| id.ends_with(right)) {
                self.find(Rule::SsccCheckDigit, at, Some(&book.numbers), || match right {
                    Some(right) if id.len() == 18 => format!("{id} should end with {right}"),
                    _ => format!("'{id}' has not the 18 digits of an SSCC"),
                });
            }
            return;
        }
        if scheme.is_some() && !postal {
            return;
        }
        let list = Some(&book.operators.listed);
        match s10(id) {
            Err(S10Error::Form) if !postal => {}
            Err(error @ S10Error::Form) => self.find(Rule::S10Form, at, list, || format!("'{id}': {error}")),
            Err(error @ S10Error::CheckDigit { .. }) => {
                self.facts.postal |= own;
                self.find(Rule::S10CheckDigit, at, list, || format!("{id}: {error}"));
            }
            Ok(number) => {
                self.facts.postal |= own;
                let operator = number.operator;
                if !number.service_is_known() {
                    self.find(Rule::S10Service, at, list, || format!("{id} begins with letters of no postal service"));
                }
                if !book.territories.knows(operator.as_str(), self.day) {
                    self.find(Rule::S10Operator, at, list, || {
                        format!("{id}: there is no {operator} whose post could number it")
                    });
                } else if !book.operators.knows(operator) {
                    self.find(Rule::S10OperatorUnlisted, at, list, || {
                        format!("{id}: no operator of {operator} is listed")
                    });
                }
            }
        }
    }

    fn fiscal(&mut self, at: At, id: &'l str, role: Option<&str>) {
        let book = &self.checker.book;
        if role == Some("FR5") || (id.starts_with("IM") && id.len() == 12) {
            match self.facts.ioss {
                None => self.facts.ioss = Some((id, at)),
                Some((first, _)) if first != id => self.facts.ioss_other = self.facts.ioss_other.or(Some(at)),
                Some(_) => {}
            }
            match ioss(id, &book.ioss_states) {
                Ioss::Right => {}
                Ioss::IssuerUnknown => self.find(Rule::IossIssuer, at, Some(&book.ioss), || {
                    format!("{id} has the right form; no state is known by {}", id.get(2..5).unwrap_or_default())
                }),
                Ioss::Form => {
                    self.find(Rule::IossForm, at, Some(&book.ioss), || format!("'{id}' is not IM and ten digits"))
                }
            }
            return;
        }
        let list = Some(&book.numbers);
        match vat(id) {
            Vat::Right => {}
            Vat::Form => {
                self.find(Rule::VatForm, at, list, || format!("'{id}' has not the form of a VAT number of its state"))
            }
            Vat::CheckDigit => self.find(Rule::VatCheckDigit, at, list, || format!("{id} does not add up")),
            Vat::IssuerUnknown => {
                self.find(Rule::VatIssuer, at, list, || format!("the form of numbers like {id} is not known"));
            }
        }
    }

    /// EORI numbers of who files, where the destination asks for them.
    pub(super) fn parties(&mut self) {
        let takes = self.facts.destination.is_some_and(|destination| {
            matches!(destination.as_str(), "GB" | "XI")
                || "EU".parse().is_ok_and(|eu: crate::names::Territory| eu.contains(destination))
        });
        if !takes || self.facts.kind == Some("export") {
            return;
        }
        let list = Some(&self.checker.book.numbers);
        for (id, at) in std::mem::take(&mut self.facts.declarants) {
            match eori(id) {
                Eori::Right => {}
                Eori::IssuerUnknown => self.find(Rule::EoriIssuer, at, list, || {
                    format!("{id} has the right form; nobody is known who gives such numbers")
                }),
                Eori::Form => {
                    self.find(Rule::EoriForm, at, list, || format!("'{id}' has not the form of an EORI number"))
                }
            }
        }
    }

    /// Days that do not fit each other.
    pub(super) fn dates(&mut self) {
        if let (Some((filed, at)), Some(sold)) = (self.facts.filed_on, self.facts.sold_at) {
            // A day of grace: they may be told in different time zones.
            if filed.plus(AHEAD) < sold.day() {
                self.find(Rule::DateFiledBeforeSale, at, None, || {
                    format!("filed on {filed}, sold only on {}", sold.day())
                });
            }
        }
    }
}
