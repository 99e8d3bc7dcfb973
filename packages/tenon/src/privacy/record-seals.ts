/**
 * What runs of workflows keep. Which person a value tells of cannot be seen from it, since a team's code may give back
 * anything; it is known of whom the run tells: whose data was met by the call that started it, by its steps and in the events
 * that it took. So each value is sealed whole under the keys of all of these persons, and does not open without each of
 * them: when one of the keys is destroyed, no key opens it any more, in this database or in a copy. The keys of several persons make
 * one key together; layers, one within the other, would each add a third to the size of a value, where the name of a key adds 22
 * characters.
 *
 * A run that tells of nobody, or of more persons than that, is sealed under the key of its service. Failures
 * are clean of what is classified before they are kept, and plain.
 */
import type { RunStatement } from "../data/index.ts";
import { Fault } from "../kernel/index.ts";
import { isSealed, jointKeyIds, sealedKeyId } from "./envelope.ts";
import { erasedMark } from "./event-seals.ts";
import type { FoundKey, SubjectKey } from "./subject-keys.ts";
import type { Vault } from "./vault.ts";

/** Persons whose keys seal a value together: 1.4 KB of names of keys at most. */
const jointMax = 64;

/** In place of what may not be used at present. */
const restrictedMark = "[restricted]";

export interface OpenedRecords {
  /** In the order in which they were given. */
  readonly values: readonly unknown[];
  /** Whether none of their keys was destroyed. */
  readonly isWhole: boolean;
}

export class RecordSeals {
  /** More persons than that have no part in how the values of a run are sealed. */
  readonly personsMax = jointMax;
  readonly #vault: Vault;
  readonly #service: string;
  readonly #bound: readonly string[];

  constructor(vault: Vault, service: string) {
    this.#vault = vault;
    this.#service = service;
    this.#bound = [`runs of ${service}`];
  }

  /** What seals a JSON text, for a column of JSON. @throws {Fault} `permission_denied`: the data of one of them is restricted. */
  async sealer(persons: readonly string[], run: RunStatement): Promise<(json: string) => string> {
    const isOfPersons = persons.length > 0 && persons.length <= jointMax;
    const keys = await (isOfPersons ? this.#vault.keysOf("subject", [...new Set(persons)].toSorted(), run) : this.#vault.keysOf("service", [this.#service], run));
    if (keys.length > 1) {
      const seal = this.#vault.sealerWithAll(keys, this.#bound);
      return (json) => JSON.stringify(seal(json));
    }
    return (json) => JSON.stringify(this.#vault.sealWith(keys[0] as SubjectKey, json, this.#bound));
  }

  /**
   * Values as they were before, also those from before anything was sealed; `[erased]` where a key was destroyed.
   *
   * @param restricted  What becomes of data that is restricted: an error, or `[restricted]` in its place.
   * @throws {Fault} `permission_denied`
   */
  async open(values: readonly unknown[], run: RunStatement, restricted: "refused" | "marked" = "refused"): Promise<OpenedRecords> {
    const opened = [...values];
    let isWhole = true;
    const sealed = values.flatMap((value, i) => {
      const ids = typeof value === "string" ? keyIdsOf(value) : undefined;
      return ids === undefined ? [] : [{ i, text: value as string, ids }];
    });
    const keys = await this.#vault.keysById(sealed.flatMap(({ ids }) => ids), run);
    for (const { i, ids, text } of sealed) {
      const needed = ids.map((id) => keys.get(id));
      if (needed.every(isThere)) {
        opened[i] = this.#openWith(needed, text, restricted);
      } else {
        isWhole = false;
        opened[i] = erasedMark;
      }
    }
    return { values: opened, isWhole };
  }

  #openWith(keys: readonly SubjectKey[], text: string, restricted: "refused" | "marked"): unknown {
    try {
      const opened = keys.length > 1 ? this.#vault.openWithAll(keys, text, this.#bound) : this.#vault.openWith(keys[0] as SubjectKey, text, this.#bound);
      return JSON.parse(opened as string) as unknown;
    } catch (thrown) {
      if (restricted === "refused" || !(thrown instanceof Fault && thrown.code === "permission_denied")) throw thrown;
      return restrictedMark;
    }
  }
}

/** Of the keys that a text needs; `undefined` for one that is not sealed. */
function keyIdsOf(text: string): readonly string[] | undefined {
  return jointKeyIds(text) ?? (isSealed(text) ? [sealedKeyId(text)] : undefined);
}

function isThere(key: FoundKey | undefined): key is SubjectKey {
  return key !== undefined && key !== "destroyed";
}
