/**
 * Relations of access rules as SQL: one statement for each, made once, that asks whether there is such a row. It runs in a
 * reading session of the call, so it counts in its deadline, and the database lets it write nothing.
 *
 *     select 1 from orders where customer_id = $1 and id = $2 limit 1
 */
import type { Call } from "../calls/index.ts";
import { type Caller, isLookup, type RelationMatch, relationProblems, type RelationRule } from "../contract/index.ts";
import type { RelationReader } from "../trust/index.ts";
import { toSnakeCase } from "./column-case.ts";
import { quoteName } from "./names.ts";
import { DatabaseError } from "./ports.ts";
import type { Reader } from "./reader.ts";
import type { Tables } from "./tables.ts";

/** One parameter of the statement. */
type Source = { readonly field: string } | { readonly value: string } | "subject";

interface RelationStatement {
  readonly text: string;
  readonly sources: readonly Source[];
}

/** @throws {RangeError} (in `compile`) the relation names a table or column that is not there. */
export function relationReader(tables: Tables, readerOf: (call: Call) => Reader): RelationReader {
  return {
    compile(relation) {
      const problem = relationProblems(relation, tables)[0];
      if (problem !== undefined) throw new RangeError(problem);
      const { sources, text } = relationStatement(relation);
      return async (call, { caller, input }) => {
        const parameters = parametersOf(sources, caller, input);
        if (parameters === undefined) return false;
        try {
          const { rows } = await readerOf(call).run({ text, parameters });
          return rows.length > 0;
        } catch (thrown) {
          if (isNoValue(thrown)) return false;
          throw thrown;
        }
      };
    },
  };
}

export function relationStatement({ match, subject, table }: RelationRule): RelationStatement {
  const sources: Source[] = ["subject"];
  const conditions = [`${columnName(subject)} = $1`, ...conditionsOf(match, sources)];
  return { text: `select 1 from ${columnName(table)} where ${conditions.join(" and ")} limit 1`, sources };
}

function conditionsOf(match: Readonly<Record<string, RelationMatch>>, sources: Source[]): readonly string[] {
  return Object.entries(match).map(([column, each]) => {
    if (isLookup(each)) return `${columnName(column)} in (select ${columnName(each.column)} from ${columnName(each.table)} where ${conditionsOf(each.match, sources).join(" and ")})`;
    sources.push(typeof each === "string" ? { field: each } : each);
    return `${columnName(column)} = $${sources.length}`;
  });
}

/** Tables are written as columns are: `orderLines` is `order_lines`. */
function columnName(name: string): string {
  return quoteName(toSnakeCase(name));
}

/** @returns `undefined` where nobody could be related: nobody calls, or a field is missing. */
function parametersOf(sources: readonly Source[], caller: Caller, input: unknown): readonly unknown[] | undefined {
  if (caller.subject === "") return undefined;
  const fields = (input ?? {}) as Readonly<Record<string, unknown>>;
  const parameters: unknown[] = [];
  for (const source of sources) {
    const value = source === "subject" ? caller.subject : "field" in source ? fields[source.field] : source.value;
    if (value === undefined || value === null) return undefined;
    parameters.push(value);
  }
  return parameters;
}

/** 22P02, 22003, 22007, 22008: the text is none of the column's type (no UUID, say), so it stands in no row. */
function isNoValue(thrown: unknown): boolean {
  return thrown instanceof DatabaseError && ["22P02", "22003", "22007", "22008"].includes(thrown.sqlState);
}
