/**
 * The cookie of a session: 256 random bits, and nothing else. The store knows it by its digest, and what a session
 * holds (tokens of the issuer among it) is sealed under a key that is made of the cookie: a dump of the store opens
 * nothing, and lets nobody in.
 */
import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from "node:crypto";

/** The prefix makes browsers refuse it from sub-domains, over plain http, and for parts of the site (RFC 6265bis section 4.1.3.2). */
export const sessionCookie = "__Host-tenon-session";

/** 32 bytes. */
const cookieForm = /^[\w-]{43}$/;
const ivBytes = 12;
const tagBytes = 16;

export function newCookie(): string {
  return randomBytes(32).toString("base64url");
}

export function isCookie(text: string): boolean {
  return cookieForm.test(text);
}

/** What the store knows a session by. */
export function idOf(cookie: string): string {
  return hash("sha256", cookie, "base64url");
}

/** AES-256-GCM, bound to the session's id. */
export function seal(cookie: string, value: unknown): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv("aes-256-gcm", keyOf(cookie), iv).setAAD(Buffer.from(idOf(cookie)));
  return Buffer.concat([iv, cipher.update(JSON.stringify(value), "utf8"), cipher.final(), cipher.getAuthTag()]).toString("base64");
}

/** @throws {Error} it was sealed for another session, or changed. */
export function open(cookie: string, sealed: string): unknown {
  const bytes = Buffer.from(sealed, "base64");
  const decipher = createDecipheriv("aes-256-gcm", keyOf(cookie), bytes.subarray(0, ivBytes)).setAAD(Buffer.from(idOf(cookie))).setAuthTag(bytes.subarray(-tagBytes));
  return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()]).toString("utf8"));
}

function keyOf(cookie: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", cookie, "", "tenon session", 32));
}
