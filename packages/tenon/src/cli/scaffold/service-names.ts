/** How a service's name looks in code, SQL and URLs, from the one word that a person gave. */
import { CommandProblem } from "../problem.ts";

export interface ServiceNames {
  /** As given: `order-lines`. In URLs, scopes and directories. */
  readonly service: string;
  /** The contract's variable, and the import of the service: `orderLines`. */
  readonly variable: string;
  /** The schema of one: `OrderLine`. */
  readonly type: string;
  /** A variable that holds one: `orderLine`. */
  readonly one: string;
  /** The table in code: `orderLines`. */
  readonly table: string;
  /** The table in SQL: `order_lines`. */
  readonly sqlTable: string;
  /** Several of them, in a sentence: `order lines`. */
  readonly words: string;
}

/** Words that the scaffold's own code uses, and those that JavaScript keeps for itself. */
const takenWords = new Set(
  `app assert caller command contract db fail input it outcome query randomUUID scope service table tables test z
   arguments await break case catch class const continue debugger default delete do else enum eval export extends false
   finally for function if implements import in instanceof interface let new null package private protected public references return
   static super switch this throw true try typeof undefined var void while with yield`.split(/\s+/),
);

/** Paths that the platform answers itself, so no service can have its routes there; and directories of a project. */
const takenPlaces = new Set(["docs", "health", "metrics", "node_modules", "dist", "coverage"]);

/** @throws {CommandProblem} the word cannot name a service. */
export function serviceNames(word: string): ServiceNames {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(word) || word.length > 41) {
    throw new CommandProblem(`"${word}" cannot name a service`, { remedy: "lower-case letters, digits and single -, starting with a letter, 41 at most: order-lines", exitCode: 2 });
  }
  const variable = toCamel(word);
  if (takenWords.has(variable) || takenPlaces.has(word)) {
    throw new CommandProblem(`"${word}" has a meaning of its own in code, or is a path that the platform answers`, { remedy: "name the service by what it keeps: orders, invoices, members", exitCode: 2 });
  }
  const singular = toSingular(word);
  const isPlural = singular !== word && !takenWords.has(toCamel(singular));
  const one = isPlural ? toCamel(singular) : `${variable}Item`;
  const table = isPlural ? variable : `${variable}Items`;
  return {
    service: word,
    variable,
    type: one.charAt(0).toUpperCase() + one.slice(1),
    one,
    table,
    sqlTable: table.replaceAll(/(?<![A-Z])[A-Z]/g, (letter) => `_${letter}`).toLowerCase(), // as the data room maps it
    words: isPlural ? word.replaceAll("-", " ") : `${word.replaceAll("-", " ")} items`,
  };
}

function toCamel(word: string): string {
  return word.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Good enough for names of services: what it does not know keeps its form and gets a word added. */
function toSingular(word: string): string {
  if (/(ss|us|is|news|series)$/.test(word)) return word;
  if (word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (/(sses|xes|zes|ches|shes)$/.test(word)) return word.slice(0, -2);
  return word.endsWith("s") && word.length > 2 ? word.slice(0, -1) : word;
}
