/** What a picture's first bytes say it is. Who uploads names the type; the bytes have to agree. */

type Signature = (bytes: Uint8Array) => boolean;

const signatures: Readonly<Record<string, Signature>> = {
  // https://www.w3.org/TR/png-3/#5PNG-file-signature
  "image/png": (bytes) => startsWith(bytes, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
  "image/jpeg": (bytes) => startsWith(bytes, 0, [0xff, 0xd8, 0xff]),
  // https://www.rfc-editor.org/rfc/rfc9649#section-2.4: "RIFF", a length, "WEBP"
  "image/webp": (bytes) => startsWith(bytes, 0, [0x52, 0x49, 0x46, 0x46]) && startsWith(bytes, 8, [0x57, 0x45, 0x42, 0x50]),
};

export function isImageOf(mediaType: string, bytes: Uint8Array): boolean {
  return signatures[mediaType]?.(bytes) ?? false;
}

function startsWith(bytes: Uint8Array, at: number, expected: readonly number[]): boolean {
  return expected.every((byte, index) => bytes[at + index] === byte);
}
