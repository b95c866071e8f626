/** What "content" and "connection" are compared with: one data channel, with flow control by its buffer. */

/** Bytes of one message. Every browser takes 64 KiB. */
const MESSAGE = 64 * 1024;
/** Bytes that wait in the channel at most, and those at which more are given to it. */
const HIGH = 4 * 1024 * 1024;
const LOW = 1024 * 1024;

/** One end. Descriptions are carried by whoever drives the two pages. */
export class BareChannel {
  readonly #connection = new RTCPeerConnection({ iceServers: [] });
  #channel: RTCDataChannel | undefined;

  /** The first end's description. */
  async offer(): Promise<string> {
    this.#channel = this.#connection.createDataChannel('bare');
    await this.#connection.setLocalDescription(await this.#connection.createOffer());
    return this.#described();
  }

  /** The second end's description. It sends `bytes` bytes for every message that it gets. */
  async accept(offer: string, bytes: number): Promise<string> {
    this.#connection.addEventListener('datachannel', ({ channel }) => {
      channel.binaryType = 'arraybuffer';
      const message = crypto.getRandomValues(new Uint8Array(MESSAGE));
      channel.addEventListener('message', () => void send(channel, message, bytes));
    });
    await this.#connection.setRemoteDescription({ type: 'offer', sdp: offer });
    await this.#connection.setLocalDescription(await this.#connection.createAnswer());
    return this.#described();
  }

  /** Resolves at the first end when the channel is open. */
  async answered(answer: string): Promise<void> {
    const channel = this.#opened();
    channel.binaryType = 'arraybuffer';
    const open = new Promise((resolve) => channel.addEventListener('open', resolve, { once: true }));
    await this.#connection.setRemoteDescription({ type: 'answer', sdp: answer });
    await open;
  }

  /** Asks the other end for its bytes. Resolves with the ms until all of them are here. */
  async receive(bytes: number): Promise<number> {
    const channel = this.#opened();
    const start = performance.now();
    channel.send(Uint8Array.of(1));
    await new Promise<void>((resolve) => {
      let received = 0;
      const take = ({ data }: MessageEvent<ArrayBuffer>): void => {
        received += data.byteLength;
        if (received < bytes) return;
        channel.removeEventListener('message', take);
        resolve();
      };
      channel.addEventListener('message', take);
    });
    return performance.now() - start;
  }

  #opened(): RTCDataChannel {
    if (this.#channel === undefined) throw new Error('Call offer first.');
    return this.#channel;
  }

  async #described(): Promise<string> {
    while (this.#connection.iceGatheringState !== 'complete') {
      await new Promise((resolve) =>
        this.#connection.addEventListener('icegatheringstatechange', resolve, { once: true }),
      );
    }
    return this.#connection.localDescription?.sdp ?? '';
  }
}

async function send(channel: RTCDataChannel, message: Uint8Array<ArrayBuffer>, bytes: number): Promise<void> {
  channel.bufferedAmountLowThreshold = LOW;
  for (let left = bytes; left > 0; left -= MESSAGE) {
    if (channel.bufferedAmount >= HIGH) {
      await new Promise((resolve) => channel.addEventListener('bufferedamountlow', resolve, { once: true }));
    }
    channel.send(left < MESSAGE ? message.subarray(0, left) : message);
  }
}
