/** Who did what to which record, and why it was allowed: a trail that is added to and never changed, and found out when it was. */
export { type AuditKey, type AuditPublicKey, createAuditKeyPem, parseAuditKey, parseAuditPublicKey } from "./audit-key.ts";
export { canonicalJson, type JsonObject, type JsonValue } from "./canonical.ts";
export { DatabaseAudit } from "./database-store.ts";
export { type AuditActor, type AuditedRecord, type AuditEntry, type AuditRecord, parseRecord, recordText } from "./entry.ts";
export { leafHash, merkleRoot } from "./merkle.ts";
export type { ArchiveNote, AuditAnchor, AuditFilter, AuditStore, Checkpoint, NewRecord, SealingTurn, StoredRecord } from "./ports.ts";
export { fromRanges, noSeal, parseSeal, type Seal, type SealBody, sealHash, sealText, toRanges } from "./seal.ts";
export { LogAnchor, Sealer, type SealerOptions, toCheckpoint } from "./sealer.ts";
export { type AuditTrail, ServiceTrail, type ServiceTrailOptions } from "./trail.ts";
export { archiveTrail, type ArchiveOptions, type ArchiveReport } from "./archive.ts";
export type { Finding, FindingKind, RecordName } from "./findings.ts";
export { verifyTrail, type VerifyOptions, type VerifyReport } from "./verify.ts";
export { actorOf, auditCommand, type AuditedCallsOptions, type AuditedOperation, auditOutcome } from "./audited-calls.ts";
