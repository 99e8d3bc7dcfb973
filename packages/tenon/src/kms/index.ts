/** A master key in AWS Key Management Service. */
export { type KmsOptions, openKmsWrapper } from "./kms-wrapper.ts";
