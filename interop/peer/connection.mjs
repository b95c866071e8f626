/** A libp2p node that speaks what [P-10] and [P-20] ask for: TCP, Noise, yamux, identify, ping, gossipsub. */
import './promises.mjs';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { gossipsub, StrictNoSign, TopicValidatorResult } from '@libp2p/gossipsub';
import { identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { peerIdFromString } from '@libp2p/peer-id';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { sha2 } from './bytes.mjs';
import { fetchChunk, fetchObject, serveContent } from './content.mjs';
import { isPenalised } from './validation.mjs';

/** A relay's address over TCP alone: no WebSocket, no WebRTC. */
const PLAIN_TCP = /^\/(ip4|ip6|dns4|dns6)\/[^/]+\/tcp\/\d+\/p2p\/[^/]+$/;
const REDIAL_MS = 2000;

/** The text of the PeerId at the end of an address. */
function peerOf(address) {
  return address.getComponents().find(({ name }) => name === 'p2p').value;
}

/**
 * Connects to the relays and joins the topics.
 * @param {{ secret: Uint8Array, relays: string[], topics: string[],
 *   accept: (topic: string, data: Uint8Array) => void,
 *   objectOf: (cid: string) => Uint8Array | undefined }} options `accept` throws for what is not passed on.
 *   `objectOf` gives what is served to others.
 */
export async function connect({ secret, relays, topics, accept, objectOf }) {
  const targets = relays.filter((relay) => PLAIN_TCP.test(relay)).map((relay) => multiaddr(relay));
  if (targets.length === 0) throw new Error('No relay of the network file has an address over TCP.');
  const relayIds = targets.map(peerOf);
  const libp2p = await createLibp2p({
    privateKey: privateKeyFromRaw(secret),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      pubsub: gossipsub({
        globalSignaturePolicy: StrictNoSign,
        msgIdFn: ({ data }) => sha2(data),
        allowPublishToZeroTopicPeers: true,
        scoreParams: { IPColocationFactorWeight: 0 },
      }),
    },
  });
  const { pubsub } = libp2p.services;
  for (const topic of topics) {
    pubsub.topicValidators.set(topic, (source, { data }) => {
      try {
        accept(topic, data);
        return TopicValidatorResult.Accept;
      } catch (error) {
        return isPenalised(error, relayIds.includes(source.toString()))
          ? TopicValidatorResult.Reject
          : TopicValidatorResult.Ignore;
      }
    });
    pubsub.subscribe(topic);
  }
  await serveContent(libp2p, objectOf);
  const dial = () =>
    Promise.allSettled(
      targets.map(async (target) => {
        const isConnected = libp2p.getPeers().some((known) => known.toString() === peerOf(target));
        if (!isConnected) await libp2p.dial(target);
      }),
    );
  await dial();
  const redial = setInterval(dial, REDIAL_MS);
  return {
    publish: (topic, data) => pubsub.publish(topic, data),
    /** How many neighbours follow a topic. */
    followers: (topic) => pubsub.getSubscribers(topic).length,
    addresses: () => libp2p.getMultiaddrs().map((address) => address.decapsulate('/p2p').toString()),
    /** Peers with a direct connection that are no relays. */
    members: () =>
      libp2p
        .getPeers()
        .map(String)
        .filter((peer) => !relayIds.includes(peer)),
    /** From a member with a direct connection. */
    fetchObject: (member, cid) => fetchObject(libp2p, peerIdFromString(member), cid),
    fetchChunk: (member, cid, index) => fetchChunk(libp2p, peerIdFromString(member), cid, index),
    async stop() {
      clearInterval(redial);
      await libp2p.stop();
    },
  };
}
