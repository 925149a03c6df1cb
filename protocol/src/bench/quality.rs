//! What quality checks are measured with: whole declarations as a post files them to the EU, most of them clean.

use serde_json::json;

use crate::record::{Content, ContentError, Fault, content_from_json, visit_leaf};
use crate::reference::s10;
use crate::time::Day;

/// The day on which they are lodged: 2026-11-26.
pub const LODGED: Day = Day(20_783);
/// One declaration in so many has a tariff code that there is not, and another one a vague description.
pub const FAULTY: u64 = 10;
/// Goods items of a declaration.
const GOODS: usize = 3;

/// Different declarations with every group that an import to the EU has; the same seed gives the same ones. Of each [`FAULTY`], two have a
/// finding.
///
/// # Errors
/// [`ContentError`], which is a defect.
pub fn declarations(count: u64, seed: u64) -> Result<Vec<Content>, ContentError> {
    (0..count).map(|index| declaration(seed.wrapping_mul(1_000_000).wrapping_add(index), index)).collect()
}

fn declaration(number: u64, index: u64) -> Result<Content, ContentError> {
    let serial = number % 100_000_000;
    let item = (0..10).map(|check| format!("LX{serial:08}{check}CN")).find(|id| s10(id).is_ok());
    let item = item.ok_or_else(|| ContentError::new(Fault::Value, "/item/id", "no check digit fits"))?;
    let goods = |nth: usize| {
        let hs = if index % FAULTY == 3 && nth == 1 { "610999" } else { ["610910", "420330", "950300"][nth % GOODS] };
        let vague = index % FAULTY == 7 && nth == 2;
        let words =
            ["cotton shirt, knitted, blue", "leather belt with brass buckle", "wooden puzzle of a forest, 24 pieces"];
        let description = if vague { "gift".to_owned() } else { format!("{} {}", words[nth % GOODS], number % 997) };
        json!({
            "content": {"description": description, "units": 1 + number % 3},
            "classification": {"hs": hs, "edition": 2022},
            "value": {"amount": format!("{}.{:02}", 5 + number % 30, number % 100), "currency": "EUR"},
            "origin": {"country": "CN", "net_kg": format!("0.{:03}", 100 + number % 200)},
            "product": {"merchant_id": format!("SKU-{number}-{nth}"), "manufacturer_id": format!("M{}", number % 10_000)},
            "procedures": [{"code": "4000"}, {"code": "C07"}],
        })
    };
    let person = |name: &str, country: &str| {
        json!({
            "name": format!("{name} {number}"), "street": format!("{} Long Street", number % 400), "number": "7", "city": "Somewhere",
            "postcode": format!("{:05}", number % 100_000), "country": country, "phone": "+331234567", "email": "somebody@example.com",
        })
    };
    content_from_json(&json!({
        "type": "declaration", "version": 3,
        "filing": {
            "own_reference": format!("POST-{number:012}"), "kind": "import", "data_set": "H7", "capacity": "declarant",
            "filed_on": "2026-11-20", "message_time": "2026-11-20T10:00:00Z", "office": "FR000730", "transaction_type": "b2c",
            "category_of_item": "sale_of_goods",
        },
        "item": {"scheme": "s10", "issuer": "CNA", "id": item, "posted_on": "2026-11-18", "ucr": format!("UCR{number}")},
        "route": {"destination": "FR", "departure": "CN", "first_entry": "BE", "mode": "4", "border_mode": "5"},
        "mass": {"gross_kg": "1.25", "packages": 1},
        "dangerous_goods": {"flag": false},
        "sender": person("Seller of things", "CN"),
        "addressee": person("Buyer", "FR"),
        "declarant": [{"role": "declarant", "id": "FR12345678901234", "name": "La Poste"}, {"role": "importer", "name": "Buyer"}],
        "seller": {"account": format!("acc{}", number % 5_000), "name": "Seller of things", "country": "CN", "platform": "shop"},
        "order": {"reference": format!("O{number}"), "sold_at": "2026-11-15T12:00:00Z", "price": "61.00", "currency": "EUR"},
        "payment": {"kind": "CARD", "amount": "61.00", "currency": "EUR", "paid_at": "2026-11-15T12:01:00Z"},
        "fiscal": [{"id": "IM3720000224", "role": "FR5"}],
        "documents": [{"type": "N325", "reference": format!("INV{number}")}],
        "postage": {"amount": "4.20", "currency": "EUR"},
        "goods": (0..GOODS).map(goods).collect::<Vec<_>>(),
    }))
}

/// Reads every value of a record and does nothing with it but count it: no check of values is cheaper.
pub fn walk(content: &Content) -> usize {
    let mut values = 0;
    for (group, leaves) in content.table().groups.iter().zip(content.groups()) {
        leaves.iter().for_each(|leaf| visit_leaf(group, leaf, |_, _, _| values += 1));
    }
    values
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::quality::{Checker, Rule};
    use crate::reference::RuleBook;

    #[test]
    fn two_in_ten_have_the_finding_that_they_should_have() {
        let (book, day) = (std::sync::Arc::new(RuleBook::builtin().unwrap()), LODGED);
        assert_eq!(day.to_string(), "2026-11-26");
        let contents = declarations(40, 1).unwrap();
        let checker = Checker::new(contents[0].table(), &book);
        for (index, content) in contents.iter().enumerate() {
            let rules: Vec<_> = checker.check(content, day).into_iter().map(|finding| finding.rule).collect();
            let expected = match index % 10 {
                3 => vec![Rule::HsUnknown],
                7 => vec![Rule::DescriptionVague],
                _ => vec![],
            };
            assert_eq!(rules, expected, "{index}");
            assert!(walk(content) > 90);
        }
        assert_eq!(declarations(2, 1).unwrap(), contents[..2]);
        assert_ne!(declarations(2, 2).unwrap(), contents[..2]);
    }
}
