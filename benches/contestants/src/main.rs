//! Newton, and the same work written straight against the driver.

mod newton_tables;
mod on_newton;
mod raw;
mod skinny;

use bench_harness::{Result, Roster, serve};

use self::newton_tables::NewtonTables;
use self::on_newton::{OnNewton, SNAPSHOTS, UNCACHED};
use self::raw::{LOADED, Raw};
use self::skinny::Skinny;

fn main() -> Result<()> {
    let roster = Roster::default()
        .with::<OnNewton>("newton", "")
        .with::<OnNewton>("newton, no cache", UNCACHED)
        .with::<OnNewton>("newton, snapshots", SNAPSHOTS)
        .with::<OnNewton>("newton, memory", "")
        .with::<OnNewton>("newton, memory, no cache", UNCACHED)
        .with::<Raw<NewtonTables>>("raw", "")
        .with::<Raw<NewtonTables>>("raw, loaded", LOADED)
        .with::<Raw<Skinny>>("skinny", "")
        .with::<Raw<Skinny>>("skinny, loaded", LOADED);
    serve(&roster)
}
