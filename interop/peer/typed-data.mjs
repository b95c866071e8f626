/** EIP-712 digests of the statements that devices sign. */
import { bigEndian, concat, keccak } from './bytes.mjs';

const DOMAIN_TYPE = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)';
const VOTE = 'Vote(uint64 swarm,uint64 round,address[] winners)';
const ATTESTATION = 'Attestation(uint64 swarm,uint64 round,bytes32 checkpointRoot,bytes32 rolloutDigest)';
const HANDOFF = 'Handoff(bytes32 run,uint64 step,uint32 hop,bytes32 version,bytes32 inputs,bytes32 outputs)';

const word = (value) => bigEndian(value, 32);
const padded = (address) => concat(new Uint8Array(12), address);

/**
 * @param {{ chainId: number, contract: Uint8Array }} domain
 * @param {string} type
 * @param {Uint8Array[]} words
 */
function digestOf({ chainId, contract }, type, words) {
  const separator = keccak(
    keccak(DOMAIN_TYPE),
    keccak('Starling'),
    keccak('1'),
    word(chainId),
    padded(contract),
  );
  return keccak(Uint8Array.of(0x19, 0x01), separator, keccak(keccak(type), ...words));
}

/** @param {Uint8Array[]} winners Addresses, ascending. */
export function voteDigest(domain, { swarm, round, winners }) {
  return digestOf(domain, VOTE, [word(swarm), word(round), keccak(...winners.map(padded))]);
}

export function attestationDigest(domain, { swarm, round, checkpointRoot, rolloutDigest }) {
  return digestOf(domain, ATTESTATION, [word(swarm), word(round), checkpointRoot, rolloutDigest]);
}

/** `outputs` is the Merkle root over slots and roots of the outputs. */
export function handoffDigest(domain, { run, step, hop, version, inputs, outputs }) {
  return digestOf(domain, HANDOFF, [run, word(step), word(hop), version, inputs, outputs]);
}
