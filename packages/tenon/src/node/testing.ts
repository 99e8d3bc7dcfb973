/** What the host knows of a peer, for tests that have opened a connection themselves. */
import type { Socket } from "node:net";
import type { Clock, Log } from "../kernel/index.ts";
import { Connection } from "./connection.ts";
import { defaultHttpLimits, HttpHost } from "./http-host.ts";

export interface KnownPeer {
  readonly isSecure: boolean;
  readonly peerCertificate: Uint8Array | undefined;
}

/** Asked while the connection stands: afterwards nothing is known any more. */
export function peerOf(socket: Socket, { clock, log }: { readonly clock: Clock; readonly log: Log }): KnownPeer {
  const { isSecure, peerCertificate } = new Connection(socket, new HttpHost({ clock, log, limits: defaultHttpLimits }));
  return { isSecure, peerCertificate };
}
