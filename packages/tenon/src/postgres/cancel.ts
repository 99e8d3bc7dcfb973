/**
 * Asks the server to stop what a connection is running. The request needs a connection of its own, without a login:
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
import type { Connection as PgConnection } from "pg";
import type { WireClient } from "./wire.ts";

type PgConnectionClass = new (config: { readonly ssl: unknown }) => PgConnection;

interface CancelWire {
  readonly stream: { destroy(): void };
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
  on(event: "connect" | "sslconnect" | "end" | "error", listener: () => void): void;
}

/**
 * Resolves when the server has passed the request on (it closes the connection then), when it cannot be reached, or
 * after `timeoutMs`; never rejects, because nobody could do more about it than the watch over the connection does.
 */
export function requestCancel(Connection: PgConnectionClass, client: WireClient, timeoutMs: number): Promise<void> {
  const { host, port, processID, secretKey, ssl } = client;
  const wire = new Connection({ ssl }) as unknown as CancelWire;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    wire.stream.destroy();
    resolve();
  }, timeoutMs);
  const done = (): void => {
    clearTimeout(timer);
    resolve();
  };
  const cancel = (): void => wire.cancel(processID, secretKey);
  wire.on("connect", () => (ssl === false ? cancel() : wire.requestSsl()));
  wire.on("sslconnect", cancel);
  wire.on("error", done);
  wire.on("end", done);
  if (host.startsWith("/")) wire.connect(`${host}/.s.PGSQL.${port}`);
  else wire.connect(port, host);
  return promise;
}
