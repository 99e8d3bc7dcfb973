/** What the identity of services needs from whoever has their keys. `testing.ts` beside this file is the suite that adapters pass. */

/** Who a service is at present: its X.509-SVID, the key of it, and whom to believe. */
export interface ServiceIdentity {
  readonly service: string;
  /** `spiffe://trust-domain/path`. */
  readonly id: string;
  /** The certificate, and behind it the ones between it and the bundle, in PEM. */
  readonly chain: string;
  /** In PEM (PKCS #8, SEC 1 or PKCS #1). */
  readonly key: string;
  /** Certificates of the authorities whose word counts, in PEM. */
  readonly bundle: string;
  /** Milliseconds since 1970. From here on nobody believes it. */
  readonly expiresAtMs: number;
  /** Of the certificate, in hexadecimal digits, upper case. */
  readonly serial: string;
  /** SHA-256 of the certificate in base64url: `x5t#S256` (RFC 8705 section 3.1). */
  readonly thumbprint: string;
}

/**
 * The identities of the services of this process. Each is replaced while it runs, well before it ends; whoever holds
 * one asks again when told.
 */
export interface Identities {
  /** @throws {Fault} `unavailable`: there is none that is valid now, with why. */
  of(service: string): ServiceIdentity;
  /** Whether a certificate was withdrawn, by its serial (hexadecimal digits, upper case) or by its id. */
  isRevoked(serial: string, id: string): boolean;
  /** Calls `listener` after an identity, a bundle or the list of what is revoked has changed. */
  onRotate(listener: () => void): void;
}
