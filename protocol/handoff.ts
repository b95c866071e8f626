/**
 * What a device says when it has computed one hop of a step of training over blocks: from tensors with these
 * roots came tensors with those. The statement is EIP-712 typed data, so that a contract can check who signed
 * it. Whether it is true follows from the program's slots and these roots alone.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { encodeAbiParameters, hashTypedData, keccak256 } from 'viem/utils';
import { address, hex, list, record, text, uint, type ValueOf } from './codec.ts';
import { addressOf, type DeviceKey } from './device-key.ts';
import { HashTree } from './hash-tree.ts';
import { fromHex, type Hex } from './hex.ts';
import type { RecoverKey } from './secp256k1-wasm.ts';

/** The EIP-712 type that devices sign. */
export const HANDOFF_TYPES = {
  Handoff: [
    { name: 'run', type: 'bytes32' },
    { name: 'step', type: 'uint64' },
    { name: 'hop', type: 'uint32' },
    { name: 'version', type: 'bytes32' },
    { name: 'inputs', type: 'bytes32' },
    { name: 'outputs', type: 'bytes32' },
  ],
} as const;

/** The chain and the contract that the statement is made for. It is invalid at any other. */
export interface HandoffDomain {
  readonly chainId: number;
  readonly verifyingContract: Hex;
}

/** A tensor of a step: its slot in the program, and its root. */
export interface SlotRoot {
  readonly slot: number;
  readonly root: Hex;
}

/** The most tensors that a hop gives. An update gives three for each parameter of its block. */
export const MOST_OUTPUTS = 4096;
/** The most hops of a step. */
export const MOST_HOPS = 2 ** 20;
/** The most steps of a run. */
export const MOST_STEPS = 2 ** 40;
const MOST_SLOT = 2 ** 32 - 1;
/** The most bytes of a tensor's name. */
export const MOST_NAME_BYTES = 160;

/** A handoff as it travels. Limits as in docs/protocol.md. */
export const handoffCodec = record({
  /** Names the run: `handoffRun`. */
  run: hex(32),
  step: uint(MOST_STEPS),
  /** The hop's place among the step's actions, counted from 0. */
  hop: uint(MOST_HOPS - 1),
  /** Root of the version of the block that the hop read: `versionRoot`. */
  version: hex(32),
  /** Root over what the hop read, in the hop's order: `slotRootsRoot`. */
  inputs: hex(32),
  /** What the hop gave, in the hop's order. The signature covers `slotRootsRoot` of their slots and roots. */
  outputs: list(
    record({ slot: uint(MOST_SLOT), tensor: text(MOST_NAME_BYTES), root: hex(32) }),
    MOST_OUTPUTS,
  ),
  device: address,
  /** 65 bytes r, s, v of `handoffDigest`. */
  signature: hex(65),
});

/** A device's signed statement about one hop. */
export type Handoff = ValueOf<typeof handoffCodec>;

/** A handoff before it is signed. */
export type HandoffStatement = Omit<Handoff, 'device' | 'signature'>;

/**
 * The name of a run in handoffs: keccak-256 of `abi.encode(program, initial)`, the program root and the
 * checkpoint root of the run's terms. A contract computes it from the terms.
 */
export function handoffRun(terms: { readonly program: Hex; readonly initial: Hex }): Hex {
  return keccak256(
    encodeAbiParameters([{ type: 'bytes32' }, { type: 'bytes32' }], [terms.program, terms.initial]),
  );
}

/**
 * RFC 6962 root over tensors of a hop. A leaf has 36 bytes: the slot as u32 big-endian, then the root
 * (`abi.encodePacked(uint32, bytes32)`). Of no tensors it is 32 zero bytes.
 */
export function slotRootsRoot(tensors: readonly SlotRoot[]): Hex {
  if (tensors.length === 0) return `0x${'00'.repeat(32)}`;
  return HashTree.over(tensors.map(slotRootLeaf)).root;
}

/** The 36 bytes of a leaf of `slotRootsRoot`. */
export function slotRootLeaf({ slot, root }: SlotRoot): Uint8Array {
  const prefix = new Uint8Array(4);
  new DataView(prefix.buffer).setUint32(0, slot);
  return concatBytes(prefix, fromHex(root));
}

/** RFC 6962 root over the tensor roots of a block's version, in the block's order; 32 zero bytes of none. */
export function versionRoot(roots: readonly Hex[]): Hex {
  return roots.length === 0 ? `0x${'00'.repeat(32)}` : HashTree.over(roots).root;
}

/** The EIP-712 digest of a handoff: 32 bytes. */
export function handoffDigest(domain: HandoffDomain, handoff: HandoffStatement): Hex {
  const { run, step, hop, version, inputs, outputs } = handoff;
  return hashTypedData({
    domain: { name: 'Starling', version: '1', ...domain },
    types: HANDOFF_TYPES,
    primaryType: 'Handoff',
    message: { run, step: BigInt(step), hop, version, inputs, outputs: slotRootsRoot(outputs) },
  });
}

/** Signs a statement with a device's key. */
export function signHandoff(key: DeviceKey, domain: HandoffDomain, statement: HandoffStatement): Handoff {
  return {
    ...statement,
    device: key.address,
    signature: key.signRecoverable(handoffDigest(domain, statement)),
  };
}

/**
 * Whether the handoff's device signed it. Never throws. A high s is refused, as contracts refuse it.
 * `recover` is a faster way to the key than the default.
 */
export function isSigned(domain: HandoffDomain, handoff: Handoff, recover: RecoverKey = recoverKey): boolean {
  try {
    const bytes = fromHex(handoff.signature);
    const v = bytes[64];
    if (bytes.length !== 65 || (v !== 27 && v !== 28)) return false;
    const digest = fromHex(handoffDigest(domain, handoff));
    const key = recover(bytes.subarray(0, 64), v - 27, digest);
    return key !== undefined && addressOf(key) === handoff.device;
  } catch {
    return false;
  }
}

const recoverKey: RecoverKey = (bytes, recovery, digest) => {
  const signature = secp256k1.Signature.fromBytes(bytes, 'compact');
  if (signature.hasHighS()) return undefined;
  return signature.addRecoveryBit(recovery).recoverPublicKey(digest).toBytes(true);
};
