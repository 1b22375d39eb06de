/**
 * Freezes a table and each of its rows: the board's engine keeps in flash what is frozen through and through, and copies
 * the rest into RAM. Functions need not be frozen; rows hold nothing else that could be.
 */
export function freezeRows<T extends object>(table: T): Readonly<T> {
  for (const row of Object.values(table)) Object.freeze(row);
  return Object.freeze(table);
}
