/** What members of a pipeline send one another, as canonical DAG-CBOR. docs/protocol.md has the rules. */
import { decodeCanonical, encodeCanonical } from '../../protocol/canonical.ts';
import {
  address,
  blob,
  list,
  oneOf,
  record,
  text,
  uint,
  type ValueOf,
  variant,
} from '../../protocol/codec.ts';
import {
  handoffCodec,
  MOST_HOPS,
  MOST_NAME_BYTES,
  MOST_OUTPUTS,
  MOST_STEPS,
} from '../../protocol/handoff.ts';

/** The most bytes of a message: tensors of a hop travel in one. */
const MOST_MESSAGE_BYTES = 2 ** 30;
const MOST_MEMBERS = 256;
const MOST_BLOCKS = 256;
const MOST_MICROBATCHES = 4096;
const MOST_STAGES = 16;

const step = uint(MOST_STEPS);
const hop = uint(MOST_HOPS - 1);
const name = text(MOST_NAME_BYTES);
const blocks = list(name, MOST_BLOCKS);

const messageCodec = variant({
  /** A device computed a hop, with those of its outputs that the receiver needs. */
  handoff: record({
    kind: oneOf('handoff'),
    handoff: handoffCodec,
    tensors: list(record({ name, bytes: blob(0, MOST_MESSAGE_BYTES) }), MOST_OUTPUTS),
  }),
  /** The sender needs the handoff of a hop, and these of its outputs. */
  want: record({ kind: oneOf('want'), step, hop, tensors: list(name, MOST_OUTPUTS) }),
  /** Asks for any sign of life. */
  ping: record({ kind: oneOf('ping'), step }),
  pong: record({ kind: oneOf('pong'), step }),
  /** The answer of a device that computes what was wanted. */
  busy: record({ kind: oneOf('busy'), step, hop }),
  /** The answer of a device that has not what was wanted and cannot compute it. */
  lack: record({ kind: oneOf('lack'), step, hop }),
  /** Asks a member that computes for `welcome`. One that does not compute yet says nothing. */
  hello: record({ kind: oneOf('hello') }),
  /** Asks a keeper for the file of a version that it has in memory. */
  fetch: record({ kind: oneOf('fetch'), step, block: name }),
  /** The file of a version. */
  version: record({ kind: oneOf('version'), step, block: name, file: blob(0, MOST_MESSAGE_BYTES) }),
  /** The sender fetches the block's version, and will compute the block's hops when it has it. */
  arriving: record({ kind: oneOf('arriving'), step, block: name }),
  /** The sender has these blocks' versions of that step, and computes from now on. */
  join: record({ kind: oneOf('join'), step, blocks }),
  /** It has come in again: it computes nothing of what it was placed for in these blocks. */
  restart: record({ kind: oneOf('restart'), step, blocks }),
  /** The sender computes these blocks' hops up to that step, and not after it. Others keep them. */
  leave: record({ kind: oneOf('leave'), step, blocks }),
  /** For a device that comes: the step, its paths, and who was placed for which blocks. */
  welcome: record({
    kind: oneOf('welcome'),
    step,
    paths: list(list(uint(MOST_STAGES), MOST_STAGES), MOST_MICROBATCHES),
    keepers: list(record({ device: address, blocks }), MOST_MEMBERS),
    /** Who computed the updates of the step before, and so has a place in the step after this one. */
    next: list(record({ device: address, blocks }), MOST_MEMBERS),
    /** Handoffs of the step before that gave the blocks' versions. None at the first step. */
    updates: list(handoffCodec, MOST_BLOCKS),
  }),
});

export type PipelineMessage = ValueOf<typeof messageCodec>;

export function encodePipelineMessage(message: PipelineMessage): Uint8Array {
  return encodeCanonical(messageCodec, message);
}

/** Throws CodecError for anything but the canonical encoding of a message within the limits. */
export function decodePipelineMessage(bytes: Uint8Array): PipelineMessage {
  return decodeCanonical(messageCodec, bytes, MOST_MESSAGE_BYTES);
}
