//! `luxor erase`

use luxor_protocol::api::EraseRequest;

use crate::args::EraseArgs;
use crate::client::Client;
use crate::exit::Exit;
use crate::ui;

pub(super) fn run(args: &EraseArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let request = EraseRequest { item: args.item.clone(), ground: args.ground.clone() };
    let erased = client.erase(&request)?;
    if args.node.json {
        ui::json(&erased)?;
        return Ok(Exit::Ok);
    }
    let logged = erased.logged.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let logged = if logged.is_empty() { String::new() } else { format!("; in the log as {logged}") };
    ui::line(&format!(
        "erased {} entries and {} records, destroyed {} data keys{logged}",
        ui::count(erased.entries),
        ui::count(erased.records),
        erased.keys
    ))?;
    if erased.attachments > 0 {
        ui::say(&format!("{} attached files went with the last record that named them", ui::count(erased.attachments)));
    }
    if erased.held > 0 {
        ui::say(&format!("{} are due and held: `luxor hold list` says why", ui::count(erased.held)));
    }
    if erased.keys_in_use > 0 {
        ui::say("a data key is still in use; the node destroys it within the hour, or with `luxor erase --due`");
    }
    Ok(Exit::Ok)
}
