/** Encrypted columns of one service, put together: what its Kysely needs of them. Loaded only where there are any. */
import type { CompiledQuery } from "kysely";
import type { FieldVault } from "./field-vault.ts";
import { sealedTablesOf } from "./sealed-tables.ts";
import { SealedHere, SealedValues } from "./sealed-values.ts";
import { SealingCompiler } from "./sealing-compiler.ts";
import type { Sealing } from "./service-kysely.ts";
import type { Tables } from "./tables.ts";

export interface SealingOptions {
  readonly service: string;
  readonly tables: Tables;
  readonly vault: FieldVault;
}

/** @throws {SealError} a table whose rows have no key that values can be bound to. */
export function createSealing({ service, tables, vault }: SealingOptions): Sealing {
  const { mark } = vault;
  const sealed = sealedTablesOf(service, tables);
  const values = new SealedValues({ vault, columns: sealed.columns, mark });
  let compiler: SealingCompiler | undefined = undefined;
  return {
    compiler: (quoted) => (compiler = new SealingCompiler({ quoted, sealed, mark })),
    factsOf: (query: CompiledQuery) => compiler?.factsOf(query) ?? { seals: true, opens: true, isRaw: true },
    prepare: (statement, run, noted) => values.prepare(statement, run, noted),
    open: (rows, run, where) => values.open(rows, run, where),
    remember: () => new SealedHere(),
    assertNoneSealed: (rows) => values.assertNoneSealed(rows),
  };
}
