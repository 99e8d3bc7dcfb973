/** Opens the encrypted columns of rows that did not come through Kysely, but whole and under their declared names. */
import type { Table } from "../contract/index.ts";
import type { FieldVault, MetData, RunStatement, SealedField } from "./field-vault.ts";
import { type SealedColumn, sealedTablesOf, toKeyText } from "./sealed-tables.ts";

type Row = Readonly<Record<string, unknown>>;

export interface RowOpenerOptions {
  readonly service: string;
  /** As it is declared. */
  readonly name: string;
  readonly table: Table;
  readonly vault: FieldVault;
}

/** @returns `undefined` for a table in which nothing is encrypted. */
export function createRowOpener({ name, service, table, vault }: RowOpenerOptions): ((row: Row, run: RunStatement, met?: MetData) => Promise<Row>) | undefined {
  const columns = [...([...sealedTablesOf(service, { [name]: table }).tables.values()][0]?.sealed.values() ?? [])];
  if (columns.length === 0) return undefined;
  return async (row, run, met) => {
    const key = table.key.map((each) => toKeyText(row[each]));
    const found: { readonly column: SealedColumn; readonly field: SealedField }[] = [];
    for (const column of columns) {
      const value = row[column.name];
      if (typeof value === "string" && vault.isSealed(value)) found.push({ column, field: { column: column.place, key, sealed: value } });
    }
    const opened = found.length === 0 ? [] : await vault.open(found.map(({ field }) => field), run, met);
    return { ...row, ...Object.fromEntries(found.map(({ column }, i) => [column.name, opened[i]])) };
  };
}
