/**
 * A line with a delay between two WebRTC peers of this machine. Each peer sees the other at a UDP port of
 * this process, which passes each packet on after half of the round trip.
 */
import { createSocket, type Socket } from 'node:dgram';

export interface DelayLine {
  /**
   * The descriptions of one side with the line's ports in place of its own candidates. Call it for the
   * offers first, then for the answers.
   */
  carry(descriptions: readonly string[], from: 'offer' | 'accept'): Promise<readonly string[]>;
  stop(): void;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** One connection: the port where the offering side is seen, and that of the accepting side. */
interface Pair {
  readonly offer: Socket;
  readonly accept: Socket;
  offerAt?: Address;
  acceptAt?: Address;
}

/** Opens a line. `roundTrip` is in milliseconds. */
export function delayLine(roundTrip: number): DelayLine {
  const pairs: Pair[] = [];

  async function newPair(): Promise<Pair> {
    const pair: Pair = { offer: await bound(), accept: await bound() };
    const pass = (out: Socket, to: () => Address | undefined) => (packet: Buffer) => {
      setTimeout(() => {
        const address = to();
        if (address !== undefined) out.send(packet, address.port, address.host, () => undefined);
      }, roundTrip / 2);
    };
    // What comes to the port of one side leaves by the other's, so that its sender is known where it arrives.
    pair.offer.on(
      'message',
      pass(pair.accept, () => pair.offerAt),
    );
    pair.accept.on(
      'message',
      pass(pair.offer, () => pair.acceptAt),
    );
    pairs.push(pair);
    return pair;
  }

  return {
    async carry(descriptions, from) {
      const first = from === 'offer' ? pairs.length : pairs.length - descriptions.length;
      const carried: string[] = [];
      for (const [i, text] of descriptions.entries()) {
        const pair = from === 'offer' ? await newPair() : pairs[first + i];
        if (pair === undefined) throw new Error('An answer came without an offer.');
        const own = candidateOf(text);
        if (from === 'offer') pair.offerAt = own;
        else pair.acceptAt = own;
        const { port } = (from === 'offer' ? pair.offer : pair.accept).address();
        carried.push(withCandidate(text, port));
      }
      return carried;
    },
    stop() {
      for (const { offer, accept } of pairs) {
        offer.close();
        accept.close();
      }
    },
  };
}

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}

const CANDIDATE = /^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host.*$/im;

/** Where a side listens: its loopback candidate, or else its first one. */
function candidateOf(description: string): Address {
  const lines = description.split('\r\n').filter((line) => CANDIDATE.test(line));
  const line = lines.find((text) => text.includes(' 127.0.0.1 ')) ?? lines[0];
  const match = line === undefined ? null : CANDIDATE.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new Error('A page has no UDP candidate. Start Chromium with --allow-loopback-in-peer-connection.');
  }
  return { host: match[1], port: Number(match[2]) };
}

function withCandidate(description: string, port: number): string {
  const kept = description.split('\r\n').filter((line) => !line.startsWith('a=candidate:') && line !== '');
  return `${[...kept, `a=candidate:1 1 udp 2122260223 127.0.0.1 ${port} typ host generation 0`].join('\r\n')}\r\n`;
}
