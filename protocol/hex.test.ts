import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from './hex.ts';

describe('hexadecimal', () => {
  it('reads every byte that it writes, in either case', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(fromHex(toHex(bytes))).toEqual(bytes);
    expect(fromHex(`0x${toHex(bytes).slice(2).toUpperCase()}`)).toEqual(bytes);
    expect(fromHex('0x')).toEqual(new Uint8Array());
  });

  it('takes no other text: another start, half a byte, any character that is no digit', () => {
    for (const text of ['', '0', 'x', '00', '0X00', ' 0x00', '0x0', '0x000']) {
      expect(() => fromHex(text)).toThrow(TypeError);
    }
    const digits = new Set('0123456789abcdefABCDEF');
    for (let code = 0; code < 0x400; code++) {
      const character = String.fromCharCode(code);
      if (digits.has(character)) continue;
      for (const text of [`0x${character}0`, `0x0${character}`, `0x00${character}f00`]) {
        expect(() => fromHex(text)).toThrow(TypeError);
      }
    }
    expect(() => fromHex('0x𝒳')).toThrow(TypeError);
    expect(() => fromHex(undefined as unknown as string)).toThrow(TypeError);
  });
});
