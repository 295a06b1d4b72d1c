//! Newton, and the same work written straight against the driver.

mod newton_tables;
mod raw;
mod skinny;

use bench_harness::{Result, Roster, serve};

use self::newton_tables::NewtonTables;
use self::raw::{LOADED, Raw};
use self::skinny::Skinny;

fn main() -> Result<()> {
    let roster = Roster::default()
        .with::<Raw<NewtonTables>>("raw", "")
        .with::<Raw<NewtonTables>>("raw, loaded", LOADED)
        .with::<Raw<Skinny>>("skinny", "")
        .with::<Raw<Skinny>>("skinny, loaded", LOADED);
    serve(&roster)
}
