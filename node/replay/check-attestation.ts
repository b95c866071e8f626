import { isAddress } from 'viem';
import { firstBlockSince, readAttestations } from '../../chain/attestations.ts';
import { attestationDigest } from '../../chain/ledger.ts';
import { connect } from '../../chain/network.ts';
import { readSchedule, roundMs } from '../../chain/schedule.ts';
import { isSignedBy } from '../../chain/signatures.ts';
import { locationOf } from '../../chain/swarm-location.ts';
import type { Network } from '../../protocol/network-file.ts';
import { networkId } from '../../swarm/network-id.ts';
import type { RoundRecord } from '../archive/round-record.ts';

export interface AttestationFinding {
  readonly good: boolean;
  readonly sentence: string;
}

/**
 * Whether the record's signature is the device's own over its root and rollouts, for the run that it names.
 */
export async function checkSignature(record: RoundRecord): Promise<AttestationFinding> {
  const [chainId = '', participation = '', swarm = ''] = record.run.split(':');
  const { round, checkpointRoot, rolloutDigest, device, signature } = record;
  const known = [chainId, swarm].every((each) => /^\d{1,15}$/.test(each)) && isAddress(participation);
  const good =
    known &&
    (await isSignedBy(
      device,
      attestationDigest(
        Number(chainId),
        { participation, swarm: Number(swarm) },
        { round, checkpointRoot, rolloutDigest },
      ),
      signature,
    ));
  return {
    good,
    sentence: good
      ? `signed by the device for ${record.run}`
      : `the signature is not that of ${device} over this record`,
  };
}

/**
 * What the chain has of this round; undefined when it cannot be asked (the network is not up, or is another
 * run's), with nothing said about the attestation.
 */
export async function checkChain(
  record: RoundRecord,
  network: Network,
  signal?: AbortSignal,
): Promise<AttestationFinding | undefined> {
  const { swarms, participation } = network.contracts;
  const swarm = Number(record.run.split(':')[2]);
  // Of any swarm of the network, whichever its file names.
  if (networkId(network.chainId, participation, swarm) !== record.run) return undefined;
  const location = locationOf({ ...network, swarm });
  const client = connect(network, { timeout: 5000, ...(signal === undefined ? {} : { signal }) });
  try {
    const schedule = await readSchedule(client, swarms, swarm);
    const fromBlock = await firstBlockSince(
      client,
      schedule.genesis + Math.floor((record.round * roundMs(schedule)) / 1000),
    );
    const toBlock = await client.getBlockNumber();
    const all = await readAttestations({ client, location, device: record.device, fromBlock, toBlock });
    const found = all.find(({ round }) => round === record.round);
    if (found === undefined) return { good: true, sentence: 'not on the chain' };
    const good =
      found.checkpointRoot === record.checkpointRoot && found.rolloutDigest === record.rolloutDigest;
    return {
      good,
      sentence: good
        ? `on the chain in block ${found.block} with the same root and rollouts`
        : `the chain has another attestation in block ${found.block}: root ${found.checkpointRoot}, rollouts ${found.rolloutDigest}`,
    };
  } catch (error) {
    signal?.throwIfAborted();
    return {
      good: true,
      sentence: `the chain could not be asked (${error instanceof Error ? error.message : error})`,
    };
  }
}
