/** Content by CID ([P-90] to [P-101]): objects are served, objects and chunks of files fetched. */
import { lpStream } from '@libp2p/utils';
import { equal, malformed, sha2, toHex } from './bytes.mjs';
import { encodeRequest, encodeResponse, readManifest, readRequest, readResponse } from './streams.mjs';

const PROTOCOL = '/starling/content/1';
const MOST_RESPONSE = 5 + 1024 * 1024;
const IDLE_MS = 10_000;
const ANSWER_MS = 5_000;
const STREAMS_OF_ONE_PEER = 4;

const frames = (stream) =>
  lpStream(stream, { maxDataLength: MOST_RESPONSE, maxBufferSize: 4 * MOST_RESPONSE });

/**
 * Answers requests for objects until the returned function is called.
 * @param {import('libp2p').Libp2p} libp2p
 * @param {(cid: string) => Uint8Array | undefined} objectOf By the CID's bytes in hexadecimal.
 */
export async function serveContent(libp2p, objectOf) {
  await libp2p.handle(
    PROTOCOL,
    async (stream) => {
      const channel = frames(stream);
      try {
        for (;;) {
          const frame = (await channel.read({ signal: AbortSignal.timeout(IDLE_MS) })).subarray();
          const { kind, index, cid } = readRequest(frame);
          const object = kind === 'object' ? objectOf(toHex(cid)) : undefined;
          const status = object === undefined ? 'absent' : 'found';
          await channel.write(encodeResponse(status, index, object ?? new Uint8Array()));
        }
      } catch (error) {
        stream.abort(error);
      }
    },
    { maxInboundStreams: STREAMS_OF_ONE_PEER, runOnLimitedConnection: false },
  );
  return () => libp2p.unhandle(PROTOCOL);
}

/** Asks one peer for one thing. Throws where it has it not, says something else, or says nothing for 5 s. */
async function ask(libp2p, peer, [kind, index, cid]) {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const stream = await libp2p.dialProtocol(peer, PROTOCOL, { signal });
  try {
    const channel = frames(stream);
    await channel.write(encodeRequest(kind, index, cid), { signal });
    const { status, index: of, found } = readResponse((await channel.read({ signal })).subarray());
    if (status !== 'found' || of !== index) malformed('response', 'what was asked for');
    return found;
  } finally {
    await stream.close().catch((error) => stream.abort(error));
  }
}

/** The digest inside a CID. */
const digestOf = (cid) => cid.slice(4);

/** An object, checked against its CID. @param {Uint8Array} cid */
export async function fetchObject(libp2p, peer, cid) {
  const object = await ask(libp2p, peer, ['object', 0, cid]);
  if (!equal(sha2(object), digestOf(cid))) malformed('object', 'the bytes that the CID names');
  return object;
}

/**
 * The size of a file and one of its chunks, each checked.
 * @param {Uint8Array} cid
 * @param {number} index
 */
export async function fetchChunk(libp2p, peer, cid, index) {
  const manifest = await ask(libp2p, peer, ['manifest', 0, cid]);
  if (!equal(sha2(manifest), digestOf(cid))) malformed('manifest', 'the bytes that the CID names');
  const { size, hashes } = readManifest(manifest);
  const chunk = await ask(libp2p, peer, ['chunk', index, cid]);
  if (!equal(sha2(chunk), hashes[index])) malformed('chunk', 'the bytes that the manifest names');
  return { size, chunk };
}
