/**
 * Messages cut into slices, and slices put together again. A slice is as long as four packets of a data
 * channel: Chromium's SCTP sends at most four packets in one burst, and a longer message waits for an
 * acknowledgement that the receiver may hold back for 200 ms.
 *
 * A slice has three u32 big-endian, then its bytes: the message's number, the message's length, and the
 * place of the slice in the message, counted in slices.
 */

const HEAD_BYTES = 12;

/** Bytes of a whole slice on a data channel, its head included. */
export const SLICE_BYTES = 4_600;

/** Bytes of a message in one slice. */
export const SLICE_PAYLOAD = SLICE_BYTES - HEAD_BYTES;

/** A slice that breaks the rules. Whoever sent it is not to be trusted with this connection any more. */
export class SliceError extends Error {
  override readonly name = 'SliceError';
  constructor(what: string) {
    super(`${what} Close the connection to that peer.`);
  }
}

/** The slices of one message, in order. An empty message has one slice. */
export function* slicesOf(number: number, message: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  const count = sliceCount(message.length);
  for (let place = 0; place < count; place++) {
    const payload = message.subarray(place * SLICE_PAYLOAD, (place + 1) * SLICE_PAYLOAD);
    const slice = new Uint8Array(HEAD_BYTES + payload.length);
    const view = new DataView(slice.buffer);
    view.setUint32(0, number);
    view.setUint32(4, message.length);
    view.setUint32(8, place);
    slice.set(payload, HEAD_BYTES);
    yield slice;
  }
}

/** How many slices a message of `length` bytes has. */
export function sliceCount(length: number): number {
  return Math.max(1, Math.ceil(length / SLICE_PAYLOAD));
}

export interface ReassemblyLimits {
  /** Bytes of the longest message. */
  readonly message: number;
  /** Messages that may be incomplete, or complete before an earlier one, at once. */
  readonly open: number;
  /** Bytes of slices that are kept for them. */
  readonly bytes: number;
}

interface Partial {
  readonly length: number;
  readonly slices: (Uint8Array | undefined)[];
  missing: number;
}

/**
 * Puts messages together from slices that come in any order. It gives messages in the order of their numbers.
 */
export class Reassembly {
  readonly #limits: ReassemblyLimits;
  readonly #open = new Map<number, Partial>();
  #next = 0;
  #bytes = 0;

  constructor(limits: ReassemblyLimits) {
    this.#limits = limits;
  }

  /** Bytes of slices that wait for the rest of their message, or for an earlier message. */
  get heldBytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a slice and returns the messages that are whole now. Throws SliceError for a slice that comes
   * twice, contradicts an earlier one, has a false length, or exceeds the limits.
   */
  add(slice: Uint8Array): Uint8Array[] {
    if (slice.length < HEAD_BYTES || slice.length > SLICE_BYTES)
      throw new SliceError('A slice has no such length.');
    const view = new DataView(slice.buffer, slice.byteOffset, slice.length);
    const [number, length, place] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)];
    const payload = slice.subarray(HEAD_BYTES);
    if (length > this.#limits.message) throw new SliceError(`A message of ${length} bytes is too long.`);
    const partial = this.#partial(number, length);
    const expected = Math.min(SLICE_PAYLOAD, length - place * SLICE_PAYLOAD);
    if (partial.length !== length || place >= partial.slices.length || payload.length !== expected)
      throw new SliceError('A slice does not fit its message.');
    if (partial.slices[place] !== undefined) throw new SliceError('A slice came twice.');
    this.#bytes += payload.length;
    if (this.#bytes > this.#limits.bytes) throw new SliceError('Too many bytes of unfinished messages came.');
    partial.slices[place] = payload;
    partial.missing--;
    return this.#whole();
  }

  #partial(number: number, length: number): Partial {
    const known = this.#open.get(number);
    if (known !== undefined) return known;
    if (number < this.#next) throw new SliceError('A slice of a message that is whole came.');
    // Only numbers in use are opened, so that one slice cannot make the receiver wait for a message without
    // end.
    if (number >= this.#next + this.#limits.open) throw new SliceError('Too many messages were begun.');
    const count = sliceCount(length);
    const made: Partial = { length, slices: Array.from({ length: count }, () => undefined), missing: count };
    this.#open.set(number, made);
    return made;
  }

  #whole(): Uint8Array[] {
    const messages: Uint8Array[] = [];
    for (;;) {
      const first = this.#open.get(this.#next);
      if (first === undefined || first.missing > 0) return messages;
      this.#open.delete(this.#next++);
      const message = new Uint8Array(first.length);
      for (const [place, slice] of first.slices.entries()) {
        if (slice !== undefined) message.set(slice, place * SLICE_PAYLOAD);
      }
      this.#bytes -= first.length;
      messages.push(message);
    }
  }
}
