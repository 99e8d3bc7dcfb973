/**
 * Runs of workflows that tell of a person: found, exported, erased.
 *
 * A run that has ended loses its values: input, output, and what its steps gave. What is left is that it ran, and when. A run
 * that is under way, or parked, goes on: its undo steps may have money to give back. Its values are sealed anew
 * without the person's key, so that it can be read until it ends; then they go, in the transaction of the end.
 *
 * A run that is started meanwhile, or meets the person meanwhile, is seen by nobody before its transaction commits, and its
 * values may be sealed under the key that is just being destroyed. So whoever writes one holds a lock with others, and looks
 * whether the key is still there (`tenon_assert_not_erased`); whoever destroys the key holds the lock alone from before the last look for
 * runs ({@link lockErasure}). One of the two comes first: the run is found, or is written anew.
 */
import type { RunStatement } from "../data/index.ts";
import type { RecordSeals } from "./record-seals.ts";
import type { KeptTrace } from "./subject-traces.ts";

export interface RunsOutcome {
  /** Runs that tell of the person. */
  readonly found: number;
  /** Those that have ended: their values are gone. */
  readonly emptied: number;
  /** Those that go on, and lose their values when they end. */
  readonly underWay: readonly string[];
}

export interface RunsParts {
  readonly seals: RecordSeals;
  readonly run: RunStatement;
}

/** Identifiers of runs under way that a report names. */
const namedMax = 100;

const findText = "select id, ended_at, input, output, subjects from tenon_runs where subjects @> array[$1::text] and subjects <> '{}' order by id for update";
/** Marks of versions are no values. */
const emptySteps = "update tenon_steps set result = null, detail = null where run = $1 and kind <> 'version'";

/** Class of the locks between an erasure and whoever writes a run: the number stands in a migration, too. */
const erasureLock: string = "select pg_advisory_xact_lock(726639120, hashtext($1) & 63)";

/** From now to the end of the transaction nobody writes a run that tells of the person. */
export async function lockErasure(subject: string, run: RunStatement): Promise<void> {
  await run({ text: erasureLock, parameters: [subject] });
}

/** To be run in a transaction of the service, before the person's key is destroyed. */
export async function eraseRuns(subject: string, { run, seals }: RunsParts): Promise<RunsOutcome> {
  const { rows } = await run({ text: findText, parameters: [subject] });
  const underWay: string[] = [];
  for (const row of rows) {
    const id = row["id"] as string;
    const others = (row["subjects"] as readonly string[]).filter((each) => each !== subject);
    if (row["ended_at"] === null) {
      underWay.push(id);
      await sealAnew(row, others, { run, seals });
      continue;
    }
    await run({ text: "update tenon_runs set input = null, output = null, subjects = '{}', erasures = erasures + 1 where id = $1", parameters: [id] });
    await run({ text: emptySteps, parameters: [id] });
  }
  return { found: rows.length, emptied: rows.length - underWay.length, underWay: underWay.slice(0, namedMax) };
}

async function sealAnew(row: Readonly<Record<string, unknown>>, persons: readonly string[], { run, seals }: RunsParts): Promise<void> {
  const id = row["id"] as string;
  const seal = await seals.sealer(persons, run);
  const toKept = (value: unknown): string | null => (value === null || value === undefined ? null : seal(JSON.stringify(value)));
  const { isWhole, values } = await seals.open([row["input"], row["output"]], run);
  // What cannot be read any more is not written again either: the run is parked when its turn comes.
  const [input, output] = isWhole ? values.map(toKept) : [];
  await run({
    text: `update tenon_runs set subjects = $2, erasures = erasures + 1${isWhole ? ", input = $3::json, output = $4::json" : ""} where id = $1`,
    parameters: [id, persons, ...(isWhole ? [input, output] : [])],
  });
  const { rows: steps } = await run({ text: "select place, result, detail from tenon_steps where run = $1 and kind <> 'version' and (result is not null or detail is not null)", parameters: [id] });
  for (const step of steps) {
    const opened = await seals.open([step["result"], step["detail"]], run);
    if (!opened.isWhole) continue;
    const [result, detail] = opened.values.map(toKept);
    await run({ text: "update tenon_steps set result = $3::json, detail = $4::json where run = $1 and place = $2", parameters: [id, step["place"], result, detail] });
  }
}

/** What runs hold of a person; of those that tell of others too, only that they are there. */
export async function exportRuns(subject: string, { run, seals }: RunsParts): Promise<readonly KeptTrace[]> {
  const { rows } = await run({ text: "select id, workflow, state, started_at, input, output, subjects from tenon_runs where subjects @> array[$1::text] and subjects <> '{}' order by started_at, id", parameters: [subject] });
  const found: KeptTrace[] = [];
  for (const { id, input, output, started_at: time, state, subjects, workflow } of rows) {
    const trace = { table: "tenon_runs", id: id as string, type: workflow as string, time: time as string };
    if ((subjects as readonly string[]).length > 1) {
      found.push({ ...trace, data: { state, tellsOfOthers: true } });
      continue;
    }
    const { rows: steps } = await run({ text: "select name, result from tenon_steps where run = $1 and result is not null and kind <> 'version' order by seq", parameters: [id] });
    const { values } = await seals.open([input, output, ...steps.map(({ result }) => result)], run);
    const [openedInput, openedOutput, ...results] = values;
    found.push({ ...trace, data: { state, input: openedInput, output: openedOutput, steps: steps.map(({ name }, i) => ({ name, result: results[i] })) } });
  }
  return found;
}
