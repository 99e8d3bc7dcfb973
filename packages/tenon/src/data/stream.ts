/** Reads the rows of a select in portions, so that a large result is never held whole. */
import type { Rows, Statement } from "./ports.ts";

export interface Cursor {
  /** Unique in its transaction. */
  readonly name: string;
  /** Rows per trip, from 1. */
  readonly portion: number;
}

/**
 * Through a cursor: https://www.postgresql.org/docs/current/sql-declare.html. Has to run inside of a transaction. The
 * cursor is closed when whoever reads stops early.
 *
 * @param run  Runs a statement in the transaction.
 */
export async function* streamByCursor(run: (statement: Statement) => Promise<Rows>, statement: Statement, cursor: Cursor): AsyncGenerator<Rows> {
  const { name, portion } = cursor;
  await run({ text: `declare ${name} no scroll cursor for ${statement.text}`, parameters: statement.parameters });
  let isOpen = true;
  try {
    for (;;) {
      isOpen = false; // a statement that fails takes the transaction and its cursors with it
      const rows = await run({ text: `fetch forward ${portion} from ${name}`, parameters: [] });
      isOpen = true;
      if (rows.rows.length > 0) yield rows;
      if (rows.rows.length < portion) return;
    }
  } finally {
    if (isOpen) await run({ text: `close ${name}`, parameters: [] });
  }
}
