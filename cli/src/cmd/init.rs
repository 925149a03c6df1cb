//! `luxor init`

use crate::args::InitArgs;
use crate::exit::Exit;
use crate::found::{self, InitOptions};
use crate::ui;

pub(super) fn run(args: &InitArgs) -> anyhow::Result<Exit> {
    let options = InitOptions {
        member: args.member.clone(),
        node: args.node.clone(),
        name: args.name.clone(),
        kind: args.kind,
        territory: args.territory,
        exchange: args.exchange.clone(),
        api: args.api.clone(),
        log: args.log.clone(),
        retry_min_ms: 500,
        retry_max_ms: 60_000,
        compression: true,
        further: args.further,
    };
    let member = found::init(&args.dir, &options)?;
    let dir = args.dir.display();
    if args.further {
        ui::say(&format!("made {}/{} in {dir}, without an identity key", args.member, args.node));
        let next = "install the network's documents here (`luxor documents --to`, `luxor install`), then `luxor card draft --node";
        ui::say(&format!("next: {next} {dir} -o FILE` and, where the identity key is, `luxor card renew --add FILE`"));
        return Ok(Exit::Ok);
    }
    ui::say(&format!("founded {}/{} in {dir}; whoever has {dir}/keys acts as this member", args.member, args.node));
    ui::say(&format!("next: `luxor charter draft {dir}/member.toml …` with the other members' member.toml files"));
    ui::raw(member.as_bytes())?;
    Ok(Exit::Ok)
}
