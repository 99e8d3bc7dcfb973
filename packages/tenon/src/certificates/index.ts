/** Where certificates of services come from: the authority for development, or a directory that somebody keeps filled. */
export { Authority, type AuthorityOptions } from "./authority.ts";
export { type CertificateStart, createCertificate } from "./certificate.ts";
export { type IdentitiesOptions, openEmbeddedIdentities, openMountedIdentities, RotatingIdentities } from "./rotating-identities.ts";
export { parseRevocations, readRevocations, revoke } from "./revocations.ts";
