/**
 * The part of `pg` below its queries: sending messages of the protocol, and objects that receive the answers. pg-cursor
 * and pg-query-stream stand on the same ground; `@types/pg` describes only some of it.
 *
 * Only here does this room reach past what `pg` documents.
 */
import type { Client } from "pg";
import type { Field } from "../data/index.ts";

/** Sends messages: https://www.postgresql.org/docs/current/protocol-message-formats.html */
export interface Wire {
  readonly stream: { cork(): void; uncork(): void; destroy(error?: Error): void };
  parse(message: { readonly name: string; readonly text: string; readonly types: readonly number[] }): void;
  bind(message: { readonly portal: string; readonly statement: string; readonly values: readonly (string | Buffer | null)[] }): void;
  describe(message: { readonly type: "S" | "P"; readonly name: string }): void;
  execute(message: { readonly portal: string; readonly rows: number }): void;
  close(message: { readonly type: "S"; readonly name: string }): void;
  query(text: string): void;
  sync(): void;
  sendCopyFail(message: string): void;
  on(event: "parseComplete", listener: () => void): void;
  on(event: "parameterDescription", listener: (message: { readonly dataTypeIDs: readonly number[] }) => void): void;
}

/** Sends one request and receives its answers, up to and including ReadyForQuery or an error. */
export interface Exchange {
  submit(wire: Wire): void;
  parseComplete(): void;
  parameterDescription(types: readonly number[]): void;
  handleRowDescription(message: { readonly fields: readonly Field[] }): void;
  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void;
  handleCommandComplete(message: { readonly text: string }): void;
  handleEmptyQuery(): void;
  handlePortalSuspended(): void;
  handleCopyInResponse(wire: Wire): void;
  handleCopyData(): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
}

export interface WireClient {
  readonly connection: Wire;
  readonly processID: number;
  readonly secretKey: number;
  readonly host: string;
  readonly port: number;
  readonly ssl: unknown;
  query(exchange: Exchange): unknown;
}

export function wireOf(client: Client): WireClient {
  return client as unknown as WireClient;
}
