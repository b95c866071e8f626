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

/** The value of each digit by its character code; 255 for what is no digit. */
const VALUES = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase());
  return digit < 0 ? 255 : digit;
});

/** The bytes of 0x-prefixed hexadecimal. Throws TypeError when it is not that. */
export function fromHex(text: string): Uint8Array {
  const isHex = typeof text === 'string' && text.startsWith('0x') && text.length % 2 === 0;
  const bytes = new Uint8Array(isHex ? (text.length - 2) / 2 : 0);
  let seen = isHex ? 0 : 255;
  for (let i = 0; i < bytes.length; i++) {
    const high = VALUES[text.charCodeAt(2 + 2 * i)] ?? 255;
    const low = VALUES[text.charCodeAt(3 + 2 * i)] ?? 255;
    seen |= high | low;
    bytes[i] = 16 * high + low;
  }
  if (seen > 15) throw new TypeError('Expected 0x-prefixed hexadecimal bytes.');
  return bytes;
}
