/** How a rule about rows gets its answer: at most one question for each relation, and none that cannot change the decision. */
import type { Call } from "../calls/index.ts";
import { type AccessRule, anonymous, type RelationRule, relationsIn } from "../contract/index.ts";
import { type AccessAsked, compileAccess } from "./access.ts";
import type { RelationReader } from "./ports.ts";

/** Decides over a call, and leaves in `call.relations` what it had to find out. */
export type RelationDecision = (call: Call) => boolean | Promise<boolean>;

export function compileRelations(rule: AccessRule, reader: RelationReader): RelationDecision {
  const grants = compileAccess(rule);
  const relations = relationsIn(rule).map((relation) => ({ relation, holds: reader.compile(relation) }));
  const all: ReadonlyMap<RelationRule, boolean> = new Map(relations.map(({ relation }) => [relation, true]));

  async function find(call: Call, asked: AccessAsked): Promise<boolean> {
    const known = new Map<RelationRule, boolean>();
    call.relations = known;
    for (const { holds, relation } of relations) {
      // What is not known yet counts as none, then as met: where both decide alike, no row can change it.
      if (grants({ ...asked, relations: known })) return true;
      if (!grants({ ...asked, relations: new Map([...all, ...known]) })) return false;
      known.set(relation, await holds(call, asked));
    }
    return grants({ ...asked, relations: known });
  }

  return (call) => {
    const { caller = anonymous, from, input } = call;
    const asked: AccessAsked = { caller, input, from };
    if (grants(asked)) return true;
    return find(call, asked);
  };
}
