/** Who a service is towards other services, and for whom it acts. */
export { createDelegation, type Delegation, delegationLifeMs, type DelegationRules, type DelegationStart, readDelegation } from "./delegation.ts";
export { type Peer, PeerRefusal, type PeerRules, thumbprintOf, toPeer } from "./peer.ts";
export type { Identities, ServiceIdentity } from "./ports.ts";
export { canSign } from "./signing.ts";
export { IdPattern, isSpiffeId } from "./spiffe.ts";
