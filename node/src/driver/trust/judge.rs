//! Whether the tokens in a record are what they must be: its issuer signed them, with a key on its card, and has the right to.

use luxor_protocol::document::Directory;
use luxor_protocol::names::MemberId;
use luxor_protocol::recognition::Tokens;
use luxor_protocol::record::{ArrivedView, Content, ContentError, Fault};
use luxor_protocol::time::Millis;

/// An own record with tokens.
///
/// # Errors
/// [`ContentError`] with the reason.
pub(in crate::driver) fn own(
    directory: &Directory,
    issuer: &MemberId,
    content: &Content,
    now: Millis,
) -> Result<(), ContentError> {
    match Tokens::of(content.table(), |group, field| content.field(group, field)) {
        Ok(Some(tokens)) => tokens.judge(directory, issuer, now).map(drop),
        // A record that is not complete is refused as such.
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Another's record with tokens, as far as it is shown.
///
/// # Errors
/// The fault and its place, with the reason.
pub(in crate::driver) fn verdict(
    directory: &Directory,
    view: &ArrivedView<'_>,
    now: Millis,
) -> Result<(), (Fault, String)> {
    match Tokens::of(view.header.table, |group, field| view.field(group, field)) {
        Ok(Some(tokens)) => {
            let judged = tokens.judge(directory, &view.header.issuer, now);
            judged.map(drop).map_err(|error| (error.fault, error.pointer))
        }
        // Whoever is not shown the token is told nothing by it, which harms nobody.
        Ok(None) | Err(_) => Ok(()),
    }
}
