import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { HELD_MS, tellRelayedLast } from './relayed-candidates.ts';

type Handler = (event: RTCPeerConnectionIceEvent) => unknown;

/** As a browser's class has it: a handler behind a property of the prototype. */
class Connection {
  #handler: Handler | null = null;
  get onicecandidate(): Handler | null {
    return this.#handler;
  }
  set onicecandidate(handler: Handler | null) {
    this.#handler = handler;
  }
}
tellRelayedLast(Connection.prototype as unknown as RTCPeerConnection);

const event = (type: string | null) =>
  ({ candidate: type === null ? null : { type } }) as unknown as RTCPeerConnectionIceEvent;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('[P-181] tells of relayed addresses a second after the others', () => {
  const connection = new Connection();
  const told: (string | undefined)[] = [];
  connection.onicecandidate = ({ candidate }) => void told.push(candidate?.type ?? undefined);
  for (const type of ['relay', 'host', null, 'srflx']) connection.onicecandidate?.(event(type));
  expect(told).toEqual(['host', undefined, 'srflx']);
  vi.advanceTimersByTime(HELD_MS - 1);
  expect(told).toHaveLength(3);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(['host', undefined, 'srflx', 'relay']);
});

it('takes a handler off again', () => {
  const connection = new Connection();
  connection.onicecandidate = () => undefined;
  connection.onicecandidate = null;
  expect(connection.onicecandidate).toBeNull();
});
