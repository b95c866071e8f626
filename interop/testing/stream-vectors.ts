import { readFile, writeFile } from 'node:fs/promises';
import { encodePipelineMessage, type PipelineMessage } from '../../pipeline/runtime/messages.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import { signHandoff } from '../../protocol/handoff.ts';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { encodeRequest, encodeResponse, type Request, type Response } from '../../swarm/content/frames.ts';
import { CHUNK, cidFromDigest, encodeManifest, manifestOf, webHash } from '../../swarm/content/manifest.ts';
import { DAG_CBOR, RAW } from '../../swarm/messages/rollouts.ts';
import { SLICE_PAYLOAD, slicesOf } from '../../swarm/striping/slices.ts';

const FILE = new URL('../../docs/vectors/streams.json', import.meta.url);

const digest = sha256Of(Uint8Array.of(1));
const [file, object] = [cidFromDigest(digest, RAW), cidFromDigest(digest, DAG_CBOR)];
const key = deviceKey(new Uint8Array(32).fill(7));
const DOMAIN = { chainId: 31337, verifyingContract: `0x${'aa'.repeat(20)}` } as const;
const [RUN, ROOT] = [`0x${'01'.repeat(32)}`, `0x${'02'.repeat(32)}`] as const;

const REQUESTS: readonly Request[] = [
  { kind: 'manifest', index: 0, cid: file },
  { kind: 'chunk', index: 0x0102, cid: file },
  { kind: 'object', index: 0, cid: object },
];
const RESPONSES: readonly Response[] = [
  { status: 'found', index: 0x0304, bytes: Uint8Array.of(9, 8) },
  { status: 'absent', index: 0, bytes: new Uint8Array() },
  { status: 'busy', index: 1, bytes: new Uint8Array() },
];
/** Files of equal bytes: nothing, less than a chunk, and a byte more than one. */
const FILES = [
  { size: 0, byte: 0 },
  { size: 3, byte: 5 },
  { size: CHUNK + 1, byte: 5 },
];
/** Messages of which byte i is i modulo 251: without bytes, of one slice, of a full one, of two. */
const MESSAGE_LENGTHS = [0, 3, SLICE_PAYLOAD, SLICE_PAYLOAD + 1];

const handoff = signHandoff(key, DOMAIN, {
  ...{ run: RUN, step: 3, hop: 4, version: ROOT, inputs: ROOT },
  outputs: [{ slot: 7, tensor: 'activation.0', root: ROOT }],
});
const [step, hop, block] = [3, 4, 'layers.0-0'];
const MESSAGES: readonly PipelineMessage[] = [
  { kind: 'handoff', handoff, tensors: [{ name: 'activation.0', bytes: Uint8Array.of(1, 2, 3, 4) }] },
  { kind: 'want', step, hop, tensors: ['activation.0'] },
  { kind: 'busy', step, hop },
  { kind: 'lack', step, hop },
  { kind: 'ping', step },
  { kind: 'pong', step },
  { kind: 'hello' },
  {
    ...{ kind: 'welcome', step: 4, paths: [[1, 2], [2]], updates: [handoff] },
    ...{ keepers: [{ device: key.address, blocks: ['embedding', block] }], next: [] },
  },
  { kind: 'fetch', step, block },
  { kind: 'version', step, block, file: Uint8Array.of(1, 2) },
  { kind: 'arriving', step, block },
  { kind: 'join', step, blocks: [block] },
  { kind: 'leave', step, blocks: [block] },
  { kind: 'restart', step, blocks: ['embedding', block] },
];

/** Frames of content and of pipelines as our rooms make them, for docs/vectors/streams.json. */
export async function makeStreamVectors() {
  return {
    requests: REQUESTS.map((request) => ({ ...request, bytes: toHex(encodeRequest(request)) })),
    refusedRequests: refusedRequests(),
    responses: RESPONSES.map((response) => ({
      ...{ ...response, bytes: toHex(response.bytes) },
      frame: toHex(encodeResponse(response)),
    })),
    refusedResponses: [
      { why: 'a status that is not there', frame: hexOf([3, 0, 0, 0, 0]) },
      { why: 'no index', frame: hexOf([0, 0, 0, 0]) },
    ],
    manifests: await Promise.all(
      FILES.map(async ({ size, byte }) => {
        const manifest = encodeManifest(await manifestOf(new Uint8Array(size).fill(byte), webHash));
        return { size, byte, manifest: toHex(manifest), cid: cidFromDigest(sha256Of(manifest), RAW) };
      }),
    ),
    refusedManifests: [
      { why: 'shorter than its size', manifest: hexOf([0, 0, 0, 0, 0, 0, 0]) },
      { why: 'a hash too few', manifest: hexOf([0, 0, 0, 0, 0, 0, 0, 1]) },
      { why: 'a hash too many', manifest: hexOf([...new Uint8Array(8), ...new Uint8Array(32)]) },
      { why: 'a file over 4 GiB', manifest: hexOf([0, 0, 0, 1, 0, 0, 0, 1]) },
    ],
    handoffDomain: DOMAIN,
    pipelineMessages: MESSAGES.map((message) => ({
      kind: message.kind,
      bytes: toHex(encodePipelineMessage(message)),
    })),
    refusedPipelineMessages: refusedMessages(),
    slicedMessages: MESSAGE_LENGTHS.map((length, number) => ({
      ...{ number, length },
      slices: [...slicesOf(number, patternOf(length))].map((slice) => ({
        ...{ head: toHex(slice.subarray(0, 12)), length: slice.length, sha256: toHex(sha256Of(slice)) },
      })),
    })),
    refusedSlices: [
      { why: 'no whole head', slices: [hexOf(new Array(11).fill(0))] },
      { why: 'twice', slices: [sliceHex(0, 5000, 0, 4588), sliceHex(0, 5000, 0, 4588)] },
      { why: 'a place behind the end', slices: [sliceHex(0, 3, 1, 0)] },
      { why: 'a byte more than its message has', slices: [sliceHex(0, 3, 0, 4)] },
      { why: 'a byte less than its message has', slices: [sliceHex(0, 3, 0, 2)] },
      { why: 'another length than before', slices: [sliceHex(0, 5000, 0, 4588), sliceHex(0, 5001, 1, 413)] },
      { why: 'of a message over 16 MiB', slices: [sliceHex(0, 16 * 2 ** 20 + 1, 0, 4588)] },
      { why: 'of a message 64 ahead', slices: [sliceHex(64, 3, 0, 3)] },
      { why: 'of a message that is whole', slices: [sliceHex(0, 0, 0, 0), sliceHex(0, 0, 0, 0)] },
    ],
  };
}

function refusedRequests() {
  const [manifest = [], chunk = [], whole = []] = REQUESTS.map((request) => [...encodeRequest(request)]);
  const changed = (bytes: readonly number[], at: number, value: number): Hex =>
    hexOf(bytes.map((byte, index) => (index === at ? value : byte)));
  return [
    { why: 'a kind that is not there', bytes: changed(manifest, 0, 3) },
    { why: 'an object’s CID for a manifest', bytes: changed(whole, 0, 0) },
    { why: 'a file’s CID for an object', bytes: changed(manifest, 0, 2) },
    { why: 'a chunk behind the last that a file may have', bytes: changed(chunk, 3, 0x40) },
    { why: 'another hash than sha2-256', bytes: changed(manifest, 7, 0x13) },
    { why: 'cut short', bytes: hexOf(manifest.slice(0, -1)) },
    { why: 'a trailing byte', bytes: hexOf([...manifest, 0]) },
  ];
}

function refusedMessages() {
  const ping = [...encodePipelineMessage({ kind: 'ping', step: 3 })];
  const many = Array.from({ length: 257 }, () => 'b');
  return [
    { why: 'a trailing byte', bytes: hexOf([...ping, 0]) },
    { why: 'cut short', bytes: hexOf(ping.slice(0, -1)) },
    { why: 'a step in a longer form', bytes: hexOf([...ping.slice(0, -1), 0x18, 3]) },
    { why: 'a kind that is not there', bytes: hexOf([0xa1, 0x64, ...text('kind'), 0x64, ...text('ding')]) },
    { why: 'a field that is missing', bytes: hexOf([0xa1, 0x64, ...text('kind'), 0x64, ...text('ping')]) },
    { why: 'more than 256 blocks', bytes: hexOf(joinOf(many)) },
    { why: 'a name of more than 160 bytes', bytes: hexOf(joinOf(['b'.repeat(161)])) },
  ];
}

/** A `join` of step 3 without the limits of the encoder. */
function joinOf(blocks: readonly string[]): number[] {
  const count = blocks.length < 24 ? [0x80 + blocks.length] : [0x99, blocks.length >> 8, blocks.length & 255];
  const names = blocks.flatMap((name) => [
    ...(name.length < 24 ? [0x60 + name.length] : [0x78, name.length]),
    ...text(name),
  ]);
  return [
    ...[0xa3, 0x64, ...text('kind'), 0x64, ...text('join'), 0x64, ...text('step'), 3],
    ...[0x66, ...text('blocks'), ...count, ...names],
  ];
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function patternOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index % 251);
}

/** A slice with so many zero bytes after its head, whatever the rules say. */
function sliceHex(number: number, length: number, place: number, bytes: number): Hex {
  const slice = new DataView(new ArrayBuffer(12 + bytes));
  for (const [at, value] of [number, length, place].entries()) slice.setUint32(4 * at, value);
  return toHex(new Uint8Array(slice.buffer));
}

function hexOf(bytes: Iterable<number>): Hex {
  return toHex(Uint8Array.from(bytes));
}

export async function readStreamVectors(): Promise<unknown> {
  return JSON.parse(await readFile(FILE, 'utf8'));
}

/** Writes the file again, after a deliberate change of the protocol. */
export async function writeStreamVectors(): Promise<void> {
  await writeFile(FILE, `${JSON.stringify(await makeStreamVectors(), null, 1)}\n`);
}
