//! Tables that fit a terminal: each row one line, what is too long ends in an ellipsis.

use std::io::{self, Write};

use console::{Alignment, Term, measure_text_width, pad_str};

use crate::output::clean;

const GAP: usize = 2;
const ELLIPSIS: &str = "…";

/// So many columns at the left are cut last: by them people name what the row is about.
const KEPT: usize = 2;
/// How narrow the other columns get before that.
const NARROW: usize = 8;

/// The columns of a table, and how wide each one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    titles: Vec<&'static str>,
    widths: Vec<usize>,
    /// Whether cells are cut to their width. Where nobody said how wide a line may be, they are not.
    is_cut: bool,
}

impl Table {
    /// A table whose rows are not known yet: each column as wide as is said, as far as there is room; the last one takes the rest.
    pub fn of_columns(columns: &[(&'static str, usize)], limit: Option<usize>) -> Self {
        let titles: Vec<_> = columns.iter().map(|(title, _)| *title).collect();
        let mut widths: Vec<_> = columns.iter().map(|(title, width)| (*width).max(title.len())).collect();
        if let (Some(last), Some(limit)) = (widths.last_mut(), limit) {
            *last = limit;
        }
        Self::fitted(titles, widths, limit)
    }

    /// A table as wide as its rows need, as far as there is room.
    pub fn of_rows<const N: usize>(
        titles: [&'static str; N],
        rows: &[[String; N]],
        limit: Option<usize>,
    ) -> Self {
        let mut widths = titles.map(str::len);
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(measure_text_width(&clean(cell)));
            }
        }
        Self::fitted(titles.to_vec(), widths.to_vec(), limit)
    }

    fn fitted(titles: Vec<&'static str>, widths: Vec<usize>, limit: Option<usize>) -> Self {
        let widths = match limit {
            Some(limit) => fit(&widths, limit),
            None => widths,
        };
        Self { titles, widths, is_cut: limit.is_some() }
    }

    /// Writes the titles.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_titles(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_row(out, &self.titles)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_row(&self, out: &mut dyn Write, cells: &[impl AsRef<str>]) -> io::Result<()> {
        let cut = self.is_cut.then_some(ELLIPSIS);
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&self.widths) {
            if *width == 0 {
                continue;
            }
            line.push_str(&pad_str(&clean(cell.as_ref()), *width, Alignment::Left, cut));
            line.push_str(&" ".repeat(GAP));
        }
        writeln!(out, "{}", line.trim_end())
    }
}

/// Takes from the widest column, again and again, until all fit; from the first ones only once the others are narrow. Of a terminal
/// narrower than the gaps the last columns are left out.
fn fit(wanted: &[usize], limit: usize) -> Vec<usize> {
    let shown = wanted.len().min((limit + GAP) / (GAP + 1)).max(1);
    let room = limit.saturating_sub(GAP * (shown - 1)).max(1);
    let mut widths: Vec<_> = wanted.iter().map(|width| (*width).min(room)).collect();
    widths.iter_mut().skip(shown).for_each(|width| *width = 0);
    while widths.iter().sum::<usize>() > room {
        let widest_of_rest = widths.iter().skip(KEPT).max().copied().unwrap_or_default();
        let from = if widest_of_rest > NARROW { KEPT } else { 0 };
        let Some(widest) = widths.iter_mut().skip(from).max() else { break };
        *widest -= 1;
    }
    widths
}

/// How wide a line may be: `COLUMNS`, or as wide as the terminal that standard output is; no limit where it is none.
pub fn terminal_width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.filter(|columns| *columns > 0).or_else(terminal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(table: &Table, rows: &[&[&str]]) -> Vec<String> {
        let mut out = Vec::new();
        table.write_titles(&mut out).unwrap();
        for row in rows {
            table.write_row(&mut out, row).unwrap();
        }
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn columns_are_as_wide_as_they_need() {
        let rows = [["a".to_owned(), "long enough".to_owned()], ["bcdef".to_owned(), String::new()]];
        let table = Table::of_rows(["ID", "TEXT"], &rows, Some(80));
        let all = lines(&table, &[&["a", "long enough"], &["bcdef", ""]]);
        assert_eq!(all, ["ID     TEXT", "a      long enough", "bcdef"]);
    }

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis_and_no_line_is_too_wide() {
        let long = "payload ".repeat(20);
        for limit in 1..120 {
            let table = Table::of_columns(&[("ORDER", 9), ("TYPE", 20), ("PAYLOAD", 40)], Some(limit));
            for line in lines(&table, &[&["1234567890123", "a type that is rather long", &long]]) {
                assert!(measure_text_width(&line) <= limit, "{limit}: {line}");
            }
        }
        let table = Table::of_columns(&[("ORDER", 9), ("TIME", 19), ("TYPE", 20), ("PAYLOAD", 40)], Some(60));
        let row = lines(&table, &[&["1", "2026-11-29 08:36:48", "a type that is rather long", &long]]);
        assert_eq!(row[1], "1          2026-11-29 08:36:48  a type that …  payload payl…");
        let table = Table::of_columns(&[("ORDER", 5), ("PAYLOAD", 40)], Some(20));
        assert_eq!(lines(&table, &[&["1", &long]])[1], "1      payload payl…");
    }

    #[test]
    fn wide_characters_count_as_two() {
        let rows = [["日本語".to_owned(), "x".to_owned()]];
        let table = Table::of_rows(["A", "B"], &rows, Some(8));
        assert_eq!(lines(&table, &[&["日本語", "x"]])[1], "日本…  x");
    }

    #[test]
    fn without_a_terminal_nothing_is_cut() {
        let table = Table::of_columns(&[("A", 3), ("B", 3)], None);
        assert_eq!(lines(&table, &[&["abcdef", "ghijkl"]]), ["A    B", "abcdef  ghijkl"]);
    }

    #[test]
    fn no_text_of_a_peer_moves_the_cursor() {
        let table = Table::of_columns(&[("A", 30)], Some(40));
        assert_eq!(lines(&table, &[&["a\u{1b}[2Jb\nc"]])[1], "a\u{fffd}[2Jb c");
    }
}
