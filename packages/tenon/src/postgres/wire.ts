/**
 * The part of `pg` below its queries: sending messages of the protocol, and objects that receive the answers. pg-cursor
 * and pg-query-stream stand on the same ground; `@types/pg` describes only some of it.
 *
 * Only here does this room reach past what `pg` documents.
 */
import type { Client } from "pg";
import type { Field } from "../data/index.ts";

export interface Wire {
  readonly stream: { readonly writable: boolean; write(bytes: Uint8Array): void; destroy(error?: Error): void };
  on(event: "parseComplete" | "readyForQuery", listener: () => void): void;
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
  /** Answers with the failure that was received, where one was: the server is ready again, or gone. */
  settleFailure(): void;
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
