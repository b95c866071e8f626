/** Content by CID ([P-90] to [P-101]): objects are served, objects and chunks of files fetched. */
import { lpStream } from '@libp2p/utils';
import { bigEndian, concat, equal, malformed, sha2, toHex } from './bytes.mjs';

const PROTOCOL = '/starling/content/1';
const REQUEST_BYTES = 41;
const RESPONSE_HEAD = 5;
const KINDS = { manifest: 0, chunk: 1, object: 2 };
const STATUS = { found: 0, absent: 1 };
const CHUNK_BYTES = 262_144;
const MOST_CHUNKS = 16_384;
const MOST_OBJECT_BYTES = 1024 * 1024;
const MOST_RESPONSE = RESPONSE_HEAD + MOST_OBJECT_BYTES;
const IDLE_MS = 10_000;
const ANSWER_MS = 5_000;
const STREAMS_OF_ONE_PEER = 4;

const frames = (stream) =>
  lpStream(stream, { maxDataLength: MOST_RESPONSE, maxBufferSize: 4 * MOST_RESPONSE });

function encodeRequest(kind, index, cid) {
  return concat(Uint8Array.of(kind), bigEndian(index, 4), cid);
}

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
          const request = (await channel.read({ signal: AbortSignal.timeout(IDLE_MS) })).subarray();
          if (request.length !== REQUEST_BYTES) break;
          const object = request[0] === KINDS.object ? objectOf(toHex(request.slice(5))) : undefined;
          const status = object === undefined ? STATUS.absent : STATUS.found;
          await channel.write(concat(Uint8Array.of(status), request.slice(1, 5), object ?? new Uint8Array()));
        }
        await stream.close();
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
    const response = (await channel.read({ signal })).subarray();
    const head = concat(Uint8Array.of(STATUS.found), bigEndian(index, 4));
    if (!equal(response.slice(0, RESPONSE_HEAD), head)) malformed('response', 'what was asked for');
    return response.slice(RESPONSE_HEAD);
  } finally {
    await stream.close().catch((error) => stream.abort(error));
  }
}

/** The digest inside a CID. */
const digestOf = (cid) => cid.slice(4);

/** An object, checked against its CID. @param {Uint8Array} cid */
export async function fetchObject(libp2p, peer, cid) {
  const object = await ask(libp2p, peer, [KINDS.object, 0, cid]);
  if (!equal(sha2(object), digestOf(cid))) malformed('object', 'the bytes that the CID names');
  return object;
}

/**
 * The size of a file and one of its chunks, each checked.
 * @param {Uint8Array} cid
 * @param {number} index
 */
export async function fetchChunk(libp2p, peer, cid, index) {
  const manifest = await ask(libp2p, peer, [KINDS.manifest, 0, cid]);
  if (!equal(sha2(manifest), digestOf(cid))) malformed('manifest', 'the bytes that the CID names');
  const size = Number(Buffer.from(manifest).readBigUInt64BE(0));
  const chunks = Math.ceil(size / CHUNK_BYTES);
  if (chunks > MOST_CHUNKS || manifest.length !== 8 + 32 * chunks)
    malformed('manifest', 'a hash for each chunk');
  const chunk = await ask(libp2p, peer, [KINDS.chunk, index, cid]);
  const digest = manifest.slice(8 + 32 * index, 40 + 32 * index);
  if (!equal(sha2(chunk), digest)) malformed('chunk', 'the bytes that the manifest names');
  return { size, chunk };
}
