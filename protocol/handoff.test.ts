import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeCanonical, encodeCanonical } from './canonical.ts';
import { CodecError } from './codec.ts';
import { deviceKey } from './device-key.ts';
import {
  type Handoff,
  handoffCodec,
  handoffDigest,
  handoffRun,
  isSigned,
  MOST_OUTPUTS,
  signHandoff,
  slotRootLeaf,
  slotRootsRoot,
  versionRoot,
} from './handoff.ts';
import { HashTree, hexLeafHash } from './hash-tree.ts';
import { fromHex, type Hex, toHex } from './hex.ts';
import { openKeyRecovery } from './secp256k1-wasm.ts';
import { sha256Of } from './sha256-of.ts';

const file = new URL('../docs/vectors/handoffs.json', import.meta.url);
const key = deviceKey(Uint8Array.from({ length: 32 }, (_, i) => i + 1));
const domain = { chainId: 31337, verifyingContract: `0x${'c0'.repeat(20)}` } as const;
const rootOf = (word: string): Hex => toHex(sha256Of(new TextEncoder().encode(word)));

const inputs = [
  { slot: 7, root: rootOf('hidden') },
  { slot: 1, root: rootOf('gain') },
];
const forward = signHandoff(key, domain, {
  run: handoffRun({ program: rootOf('program'), initial: rootOf('initial') }),
  step: 3,
  hop: 12,
  version: versionRoot([rootOf('gain'), rootOf('gain.m'), rootOf('gain.v')]),
  inputs: slotRootsRoot(inputs),
  outputs: [
    { slot: 40, tensor: 'mb.0.layers.0-1.out', root: rootOf('out') },
    { slot: 41, tensor: 'mb.0.layers.0-1.scale', root: rootOf('scale') },
    { slot: 42, tensor: 'mb.0.layers.0-1.max', root: rootOf('max') },
  ],
});
const nothing = signHandoff(key, domain, {
  run: forward.run,
  step: 2 ** 40,
  hop: 0,
  version: versionRoot([]),
  inputs: slotRootsRoot([]),
  outputs: [],
});

function made() {
  return {
    secretKey: toHex(key.secret),
    device: key.address,
    domain: { name: 'Starling', version: '1', ...domain },
    program: rootOf('program'),
    initial: rootOf('initial'),
    run: forward.run,
    handoffs: [
      { name: 'two inputs, three outputs', inputs, handoff: forward },
      { name: 'nothing in, nothing out', inputs: [], handoff: nothing },
    ].map(({ handoff, ...rest }) => ({
      ...rest,
      handoff,
      outputsRoot: slotRootsRoot(handoff.outputs),
      digest: handoffDigest(domain, handoff),
      bytes: toHex(encodeCanonical(handoffCodec, handoff)),
    })),
  };
}

describe('handoffs', () => {
  if (process.env.UPDATE_VECTORS === '1') writeFileSync(file, `${JSON.stringify(made(), null, 2)}\n`);

  it('[P-140] makes the published vectors', () => {
    expect(made()).toEqual(JSON.parse(readFileSync(file, 'utf8')));
  });

  it('[P-141] takes the slots and roots of a hop as leaves of 36 bytes', () => {
    const leaves = forward.outputs.map((output) => slotRootLeaf(output));
    expect(leaves.map(({ length }) => length)).toEqual([36, 36, 36]);
    expect(toHex(leaves[0]!.subarray(0, 4))).toBe('0x00000028');
    expect(slotRootsRoot(forward.outputs)).toBe(new HashTree(leaves.map(hexLeafHash)).root);
    expect(slotRootsRoot([...forward.outputs].reverse())).not.toBe(slotRootsRoot(forward.outputs));
  });

  const ways = [
    { name: 'libsecp256k1', open: openKeyRecovery },
    { name: 'noble', open: async () => undefined },
  ];
  it.each(ways)(
    '[P-142] knows whose statement it is, and refuses one that was changed: $name',
    async ({ open }) => {
      const recover = await open();
      expect(isSigned(domain, forward, recover)).toBe(true);
      const other = rootOf('other');
      const [first, ...rest] = forward.outputs;
      const changed: Partial<Handoff>[] = [
        { run: other },
        { step: 4 },
        { hop: 13 },
        { version: other },
        { inputs: other },
        { outputs: [{ ...first!, root: other }, ...rest] },
        { outputs: [{ ...first!, slot: 39 }, ...rest] },
        { outputs: rest },
        { device: deviceKey(Uint8Array.from({ length: 32 }, () => 9)).address },
        { signature: `0x${'00'.repeat(65)}` },
        { signature: forward.signature.slice(0, -2) as Hex },
        { signature: highS(forward.signature) },
      ];
      for (const change of changed) expect(isSigned(domain, { ...forward, ...change }, recover)).toBe(false);
      expect(isSigned({ ...domain, chainId: 1 }, forward, recover)).toBe(false);
      expect(isSigned({ ...domain, verifyingContract: `0x${'c1'.repeat(20)}` }, forward)).toBe(false);
    },
  );

  it('[P-140] has one encoding, with limits', () => {
    const bytes = encodeCanonical(handoffCodec, forward);
    expect(decodeCanonical(handoffCodec, bytes, bytes.length)).toEqual(forward);
    const many = Array.from({ length: MOST_OUTPUTS + 1 }, () => forward.outputs[0]!);
    for (const change of [
      { step: 2 ** 40 + 1 },
      { hop: 2 ** 20 },
      { version: '0x00' as Hex },
      { outputs: many },
      { outputs: [{ slot: 2 ** 32, tensor: 'x', root: forward.run }] },
      { outputs: [{ slot: 0, tensor: 'x'.repeat(161), root: forward.run }] },
      { signature: `${forward.signature}00` as Hex },
    ])
      expect(() => encodeCanonical(handoffCodec, { ...forward, ...change })).toThrow(CodecError);
  });
});

/** The other valid form of a signature: s as the curve's order minus s, and the other recovery byte. */
function highS(signature: Hex): Hex {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const bytes = fromHex(signature);
  const s = order - BigInt(toHex(bytes.subarray(32, 64)));
  const v = bytes[64] === 27 ? '1c' : '1b';
  return `${toHex(bytes.subarray(0, 32))}${s.toString(16).padStart(64, '0')}${v}`;
}
