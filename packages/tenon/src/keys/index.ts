/** Keys that the app gives to programs: made, kept as digests, told from other texts. */
export { databaseKeys } from "./database-keys.ts";
export { KeyDesk, type KeyDeskOptions, type NewKey, type ShownKey } from "./key-desk.ts";
export { parseKeyText } from "./key-text.ts";
export { keyIssuer, keyVerifier, type KeyVerifierOptions } from "./key-verifier.ts";
export { memoryKeys } from "./memory-keys.ts";
export type { KeyStore, StoredKey } from "./ports.ts";
