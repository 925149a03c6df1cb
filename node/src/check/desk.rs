//! Proposals of screening and orders of officers: each row is read, and each signature checked.

use std::collections::BTreeMap;

use luxor_protocol::hash::{Digest, unhex};
use luxor_protocol::keys::{KeyUse, PublicKey};
use luxor_protocol::threats::{DeskRow, Order, Signature};

use super::Check;
use super::report::KEEP;
use crate::store::{DeskKept, Family};

impl Check<'_> {
    /// Reads every row.
    pub(super) fn desk(&mut self) {
        self.notes.kinds(&["rows of the desk"]);
        let store = self.store.clone();
        let network = self.directory.as_ref().map(|directory| directory.network());
        let mut orders: BTreeMap<Digest, Order> = BTreeMap::new();
        let mut rows = store.scan::<u64>(Family::Desk);
        for (number, bytes) in rows.by_ref() {
            let read = DeskKept::read(number, &bytes).and_then(|row| match row {
                DeskKept::Row(row) => look(&mut orders, *row, network.as_ref()),
                DeskKept::Followed(_) => Ok(()),
            });
            match read {
                Ok(()) => self.notes.checked("rows of the desk"),
                Err(error) => self.notes.finding(format!("row {number} of the desk"), error, KEEP),
            }
        }
        self.notes.faults(Family::Desk, &mut rows);
    }
}

fn look(orders: &mut BTreeMap<Digest, Order>, row: DeskRow, network: Option<&Digest>) -> Result<(), String> {
    match row {
        DeskRow::Drawn(drawn) => drop(orders.insert(drawn.order.digest(), drawn.order)),
        DeskRow::Signed { order, signature } => {
            let order = orders.get(&order).ok_or("a signature of an order that is not there")?;
            // Without a charter nothing signed can be checked, which is a finding of its own.
            network.map_or(Ok(()), |network| signed(order, &signature, network))?;
        }
        _ => {}
    }
    Ok(())
}

fn signed(order: &Order, signature: &Signature, network: &Digest) -> Result<(), String> {
    let key = PublicKey::parse(KeyUse::Officer, &signature.key).map_err(|error| error.to_string())?;
    let bytes = unhex(&signature.signature).and_then(|bytes| bytes.try_into().ok()).ok_or("not a signature")?;
    order.verify(&key, network, &bytes).map_err(|error| format!("{}: {error}", signature.officer))
}
