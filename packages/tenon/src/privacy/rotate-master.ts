/**
 * Wraps every key anew by the present master key, while the app runs with both configured: in portions, so that it can be
 * stopped and started again. Sealed values are not touched. Afterwards nothing in the database needs the old master key.
 */
import { type Database, runStatement } from "../data/index.ts";
import type { MasterKeys } from "./key-wrapper.ts";
import { contextOf, type KeyPurpose } from "./subject-keys.ts";

const portionText = "select id, purpose, subject, wrapped, wrapper from tenon_privacy.keys where wrapped is not null and wrapper <> $1 order by id limit $2";
/** Guarded by what was read: a key that was destroyed meanwhile stays so. */
const updateText = "update tenon_privacy.keys set wrapped = $2, wrapper = $3 where id = $1 and wrapped = $4";

const portionMax = 200;

interface WrappedRow {
  readonly id: string;
  readonly purpose: KeyPurpose;
  readonly subject: string;
  readonly wrapped: string;
  readonly wrapper: string;
}

/**
 * @returns How many keys were wrapped anew.
 * @throws {Fault} `unavailable`: a key was wrapped by a master key that is not configured.
 */
export async function rotateMaster(database: Database, masters: MasterKeys, onPortion: (wrapped: number) => void = () => undefined): Promise<number> {
  const admin = (text: string, parameters: readonly unknown[]) => runStatement(database, { service: "", mode: "admin", text, parameters });
  let done = 0;
  for (;;) {
    const { rows } = await admin(portionText, [masters.current.name, portionMax]);
    for (const { id, purpose, subject, wrapped, wrapper } of rows as unknown as readonly WrappedRow[]) {
      const context = contextOf(id, { purpose, subject });
      const bytes = await masters.unwrap(Buffer.from(wrapped, "base64url"), { wrapper, context });
      const anew = await masters.current.wrap(bytes, context);
      bytes.fill(0);
      const { affected } = await admin(updateText, [id, Buffer.from(anew).toString("base64url"), masters.current.name, wrapped]);
      done += affected;
    }
    onPortion(done);
    if (rows.length < portionMax) return done;
  }
}
