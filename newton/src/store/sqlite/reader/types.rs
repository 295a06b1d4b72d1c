//! The event types behind the numbers in the events table.

use rusqlite::{Connection, OptionalExtension};

use crate::domain::Name;
use crate::store::sqlite::failure::{Outcome, corrupt};

/// The event types that were asked for, by number. A number never changes its name.
#[derive(Default)]
pub(in crate::store::sqlite) struct TypeNames(Vec<Option<TypeName>>);

/// An event type.
#[derive(Clone)]
pub(in crate::store::sqlite) struct TypeName {
    pub(in crate::store::sqlite) name: Name,
    /// The number of its domain.
    pub(in crate::store::sqlite) domain: i64,
}

impl TypeNames {
    /// The event type of a number; asks the dictionary the first time.
    pub(in crate::store::sqlite) fn of(
        &mut self,
        connection: &Connection,
        type_id: i64,
    ) -> Outcome<&TypeName> {
        let unknown = || corrupt(format!("an event names the event type {type_id}, which does not exist"));
        let slot = usize::try_from(type_id).map_err(|_| unknown())?;
        if self.0.get(slot).is_none_or(Option::is_none) {
            let found = find(connection, type_id)?.ok_or_else(unknown)?;
            // The number is a row of the dictionary, so that the list stays as short as that.
            self.0.resize(self.0.len().max(slot + 1), None);
            self.0[slot] = Some(found);
        }
        self.0.get(slot).and_then(Option::as_ref).ok_or_else(unknown)
    }
}

fn find(connection: &Connection, type_id: i64) -> rusqlite::Result<Option<TypeName>> {
    let mut find = connection.prepare_cached("SELECT name, domain_id FROM event_types WHERE type_id = ?1")?;
    let found = find.query_row([type_id], |row| {
        Ok(TypeName { name: row.get::<_, String>(0)?.into(), domain: row.get(1)? })
    });
    found.optional()
}
