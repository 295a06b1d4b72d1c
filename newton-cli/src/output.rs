//! What a command writes on standard output: tables for people, or JSON, one value on each line.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;

use serde::Serialize;

use crate::exit::Trouble;
use crate::table::Table;

/// Where answers go, and in which form.
pub struct Output<'o> {
    out: &'o mut (dyn Write + Send),
    is_json: bool,
    width: Option<usize>,
}

impl<'o> Output<'o> {
    /// Writes to `out`, whose lines may be `width` wide.
    pub fn new(out: &'o mut (dyn Write + Send), is_json: bool, width: Option<usize>) -> Self {
        Self { out, is_json, width }
    }

    /// Whether JSON is asked for.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// How wide a line may be.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// Writes a value as a line of JSON.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Trouble> {
        let text = serde_json::to_string(value)
            .map_err(|error| Trouble::failed(format!("a value has no JSON form: {error}")))?;
        self.json_text(&text)
    }

    /// Writes the JSON text of one value as a line.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn json_text(&mut self, text: &str) -> Result<(), Trouble> {
        Ok(writeln!(self.out, "{}", on_one_line(text))?)
    }

    /// Writes a line for people.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn line(&mut self, text: &str) -> Result<(), Trouble> {
        Ok(writeln!(self.out, "{}", clean(text))?)
    }

    /// Writes a whole table.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn table<const N: usize>(
        &mut self,
        titles: [&'static str; N],
        rows: &[[String; N]],
    ) -> Result<(), Trouble> {
        let table = Table::of_rows(titles, rows, self.width);
        table.write_titles(self.out)?;
        for row in rows {
            table.write_row(self.out, row)?;
        }
        Ok(())
    }

    /// Writes the titles of a table whose rows follow.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn titles(&mut self, table: &Table) -> Result<(), Trouble> {
        Ok(table.write_titles(self.out)?)
    }

    /// Writes a row of a table.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn row(&mut self, table: &Table, cells: &[impl AsRef<str>]) -> Result<(), Trouble> {
        Ok(table.write_row(self.out, cells)?)
    }

    /// Writes bytes as they came, and ends the line.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.out.write_all(bytes)?;
        if !bytes.ends_with(b"\n") {
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// Hands on what was written.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn flush(&mut self) -> Result<(), Trouble> {
        Ok(self.out.flush()?)
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("is_json", &self.is_json).field("width", &self.width).finish()
    }
}

/// A text of somebody else as it can be shown: nothing in it moves the cursor or changes colours.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let shown = |c: char| match c {
        '\t' | '\n' | '\r' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect::<String>().into()
}

/// JSON text without line breaks and control characters. Of those only white space stands outside of texts, and inside of them
/// the others may be written as escapes: the value stays what it is.
fn on_one_line(json: &str) -> Cow<'_, str> {
    if !json.contains(char::is_control) {
        return json.into();
    }
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\t' | '\n' | '\r' => line.push(' '),
            c if c.is_control() => line.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => line.push(c),
        }
    }
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_and_stays_what_it_is() {
        let text = "{\n  \"a\": \"x\u{9b}y\",\r\n  \"b\": [1,\t2.50]\n}";
        let mut out = Vec::new();
        Output::new(&mut out, true, None).json_text(text).unwrap();
        let line = String::from_utf8(out).unwrap();
        assert_eq!(line.lines().count(), 1);
        assert!(!line.trim_end().contains(char::is_control), "{line:?}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&line), value(text));
    }

    #[test]
    fn what_peers_say_is_shown_and_not_obeyed() {
        assert_eq!(clean("a\u{1b}]0;title\u{7}b\nc"), "a\u{fffd}]0;title\u{fffd}b c");
        assert!(matches!(clean("grüße"), Cow::Borrowed(_)));
    }
}
