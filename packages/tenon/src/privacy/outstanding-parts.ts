/**
 * Parts of a request that no service has done yet: since when, and what came between. A service takes part when the request
 * reaches it as an event, so its inbox and its dead letters say how far that has come, also while it does not run.
 */
import { quoteName, type RunStatement, schemaOf } from "../data/index.ts";

export interface OutstandingPart {
  readonly service: string;
  /**
   * `waiting`: the service has not begun: it is down, or the event is on its way. `trying`: it failed and tries again.
   * `dead`: it was given up, and `tenon events retry` tries again. `left`: the service is not in this database any more.
   */
  readonly state: "waiting" | "trying" | "dead" | "left";
  /** When it was asked for; of one that is dead, when it died. */
  readonly since: string;
  readonly attempts?: number;
  /** How the last attempt failed. */
  readonly why?: string;
}

export interface AskedRequest {
  readonly id: string;
  readonly askedAt: string;
  /** The subscription by which services take part. */
  readonly subscription: string;
}

const whyMaxChars = 300;

export async function findOutstanding({ askedAt, id, subscription }: AskedRequest, services: readonly string[], run: RunStatement): Promise<readonly OutstandingPart[]> {
  const found: OutstandingPart[] = [];
  for (const service of services) {
    const schema = quoteName(schemaOf(service));
    const { rows: there } = await run({ text: "select to_regclass($1) is not null as is_there", parameters: [`${schema}.tenon_inbox`] });
    if (there[0]?.["is_there"] !== true) {
      found.push({ service, state: "left", since: askedAt });
      continue;
    }
    const { rows } = await run({ text: lookText(schema), parameters: [subscription, id] });
    const [seen] = rows;
    if (seen === undefined) {
      found.push({ service, state: "waiting", since: askedAt });
      continue;
    }
    const why = seen["error"];
    found.push({ service, state: seen["state"] as "trying" | "dead", since: seen["since"] as string, attempts: seen["attempts"] as number, ...(typeof why === "string" ? { why: why.slice(0, whyMaxChars) } : {}) });
  }
  return found;
}

/** A delivery that was tried again stands in the inbox, whatever became of it before. */
function lookText(schema: string): string {
  return `
    select 'trying' as state, attempts, error, received_at as since, 1 as place from ${schema}.tenon_inbox where subscription = $1 and data ->> 'request' = $2 and attempts > 0
    union all
    select 'dead', attempts, error, died_at, 2 from ${schema}.tenon_dead_letters where subscription = $1 and data ->> 'request' = $2
    order by place, since desc limit 1`;
}
