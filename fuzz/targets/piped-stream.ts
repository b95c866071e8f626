import '../../swarm/node20.ts';
import { AbstractStream } from '@libp2p/utils';

type Log = ConstructorParameters<typeof AbstractStream>[0]['log'];
type Sent = { readonly sentBytes: number; readonly canSendMore: boolean };

/** Says nothing: what hostile bytes bring about would fill any log. */
const silent: Log = Object.assign(() => undefined, {
  ...{ error: () => undefined, trace: () => undefined, enabled: false },
  newScope: (): Log => silent,
});

/** A libp2p stream as a muxer makes it, whose other end is a program that says what comes. */
export class PipedStream extends AbstractStream {
  readonly sent: Uint8Array[] = [];

  constructor(protocol: string) {
    super({ id: '1', protocol, direction: 'inbound', log: silent });
  }

  /** Bytes arrive from the other end. */
  arrive(bytes: Uint8Array): void {
    if (this.status === 'open') this.onData(bytes);
  }

  /** The other end sends no more. */
  end(): void {
    this.onRemoteCloseWrite();
  }

  /** The other end resets the stream. */
  reset(): void {
    this.onRemoteReset();
  }

  override sendData(data: Parameters<AbstractStream['sendData']>[0]): Sent {
    this.sent.push(data.subarray().slice());
    return { sentBytes: data.byteLength, canSendMore: true };
  }

  override sendReset(): void {}
  override sendPause(): void {}
  override sendResume(): void {}
  override async sendCloseWrite(): Promise<void> {}
  override async sendCloseRead(): Promise<void> {}
}
