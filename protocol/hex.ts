/** Bytes as 0x-prefixed hexadecimal, two digits a byte. */
export type Hex = `0x${string}`;

/** The EVM address of a device's key, in lower case. It names a device everywhere but inside libp2p. */
export type DeviceAddress = Hex;

/** Lower-case 0x-prefixed hexadecimal. */
export function toHex(bytes: Uint8Array): Hex {
  let text = '0x';
  for (const byte of bytes) text += DIGITS[byte];
  return text as Hex;
}

const DIGITS: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** The bytes of 0x-prefixed hexadecimal. Throws TypeError when it is not that. */
export function fromHex(text: string): Uint8Array {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(text)) throw new TypeError('Expected 0x-prefixed hexadecimal bytes.');
  const bytes = new Uint8Array((text.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}
