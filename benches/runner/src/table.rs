//! Medians, ratios and targets, as text.

use bench_harness::work::Measure;

use crate::Rounds;
use crate::plan::{Bound, Entry, On, PEERS, Target, Unit};

/// Prints a table for each entry, and the targets under it.
pub(crate) fn print(entries: &[Entry], rounds: &Rounds, syncs: &mut [f64]) {
    println!("One fdatasync of 4 KiB: {:.0} a second (median over the run).\n", middle(syncs));
    for entry in entries {
        println!("## {}\n", entry.title);
        rows(entry, rounds);
        for target in &entry.targets {
            println!("{}", judged(entry, target, rounds));
        }
        println!();
    }
    settings(entries, rounds);
}

fn rows(entry: &Entry, rounds: &Rounds) {
    let unit = match entry.unit {
        Unit::PerSecond(things, _) => format!("{things}/s"),
        Unit::Millis => "ms".to_owned(),
    };
    println!(
        "| contestant | {unit} | spread | to raw | to skinny | to best peer | syncs each | given up | MiB |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    let best = entry
        .contestants
        .iter()
        .filter(|name| PEERS.contains(name))
        .max_by(|a, b| rate(entry.key, a, rounds).total_cmp(&rate(entry.key, b, rounds)));
    for name in &entry.contestants {
        let Some(measures) = rounds.get(&(entry.key, name)) else { continue };
        let own = rate(entry.key, name, rounds);
        let to = |other: &str| ratio(entry.unit, own, rate(entry.key, other, rounds));
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {} |",
            shown(entry.unit, own),
            spread(measures),
            to("raw"),
            to("skinny"),
            best.map_or_else(|| "-".to_owned(), |best| to(best)),
            syncs_each(entry, measures),
            measures.iter().map(|measure| measure.exhausted).sum::<u64>(),
            resident(measures),
        );
    }
    println!();
}

/// The median rate of a contestant in a work; 0 where it was not measured.
fn rate(key: &'static str, name: &str, rounds: &Rounds) -> f64 {
    let found = rounds.iter().find(|((work, contestant), _)| *work == key && *contestant == name);
    let mut rates: Vec<f64> =
        found.map(|(_, measures)| measures.iter().map(Measure::rate).collect()).unwrap_or_default();
    middle(&mut rates)
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

fn shown(unit: Unit, rate: f64) -> String {
    match unit {
        Unit::PerSecond(_, each) => thousands(rate * each),
        Unit::Millis => format!("{:.3}", 1_000.0 / rate),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// How many times another's rate, or in a table of times how many times another's time.
fn ratio(unit: Unit, own: f64, other: f64) -> String {
    if own == 0.0 || other == 0.0 {
        return "-".to_owned();
    }
    match unit {
        Unit::PerSecond(..) => format!("{:.2}", own / other),
        Unit::Millis => format!("{:.2}", other / own),
    }
}

/// How far the rounds lie apart: the slowest and the fastest against the median.
fn spread(measures: &[Measure]) -> String {
    let mut rates: Vec<f64> = measures.iter().map(Measure::rate).collect();
    let middle = middle(&mut rates);
    let percent = |rate: Option<&f64>| rate.map_or(0.0, |rate| 100.0 * (rate / middle - 1.0));
    format!("{:+.0}..{:+.0} %", percent(rates.first()), percent(rates.last()))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn syncs_each(entry: &Entry, measures: &[Measure]) -> String {
    let (syncs, count) = measures
        .iter()
        .fold((0, 0), |(syncs, count), measure| (syncs + measure.syncs, count + measure.count));
    if entry.on == On::Memory || matches!(entry.unit, Unit::Millis) || count == 0 {
        return "-".to_owned();
    }
    format!("{:.3}", syncs as f64 / count as f64)
}

fn resident(measures: &[Measure]) -> u64 {
    measures.iter().map(|measure| measure.resident / 1_024).max().unwrap_or(0)
}

/// A target in words, what was reached, and whether that is enough.
fn judged(entry: &Entry, target: &Target, rounds: &Rounds) -> String {
    let who = target.who;
    let own = rate(entry.key, who, rounds);
    let Some(measures) = rounds.get(&(entry.key, who)) else {
        return format!("- {who}: not measured");
    };
    if let Bound::Rate(_, name, key) | Bound::Time(_, name, key) = target.bound
        && rate(key.unwrap_or(entry.key), name, rounds) == 0.0
    {
        return format!("- {who} against {name}: not measured");
    }
    let other = |name: &str, key: Option<&'static str>| rate(key.unwrap_or(entry.key), name, rounds);
    let named = |name: &str, key: Option<&str>| key.map_or(name.to_owned(), |key| format!("{name} in {key}"));
    let (wanted, reached, met) = match target.bound {
        Bound::Rate(least, name, key) => {
            let reached = own / other(name, key);
            (format!("at least {least} of {}", named(name, key)), format!("{reached:.2}"), reached >= least)
        }
        Bound::Time(most, name, key) => {
            let reached = other(name, key) / own;
            (
                format!("at most {most} times the time of {}", named(name, key)),
                format!("{reached:.2}"),
                reached <= most,
            )
        }
        Bound::Millis(most) => {
            let reached = 1_000.0 / own;
            (format!("at most {most} ms"), format!("{reached:.1}"), reached <= most)
        }
        Bound::Resident(most) => {
            let reached = resident(measures);
            (format!("at most {most} MiB resident"), reached.to_string(), reached <= most)
        }
        Bound::NoneExhausted => {
            let reached: u64 = measures.iter().map(|measure| measure.exhausted).sum();
            ("no command given up".to_owned(), reached.to_string(), reached == 0)
        }
    };
    format!("- {who}, {wanted}: {reached} {}", if met { "ok" } else { "MISSED" })
}

/// The durability that each contestant ran with, in its own words.
fn settings(entries: &[Entry], rounds: &Rounds) {
    println!("## Settings\n");
    let mut told = Vec::new();
    for entry in entries {
        for name in &entry.contestants {
            let first = rounds.get(&(entry.key, name)).and_then(|measures| measures.first());
            if let Some(measure) =
                first.filter(|measure| !measure.settings.is_empty() && !told.contains(name))
            {
                println!("- {name}: {}", measure.settings);
                told.push(name);
            }
        }
    }
}
