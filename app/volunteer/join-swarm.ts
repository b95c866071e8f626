import { StoreWithLocalFiles } from '../../swarm/content/local-files.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { joinSwarm } from '../../swarm/join.ts';
import type { JoinOptions, VolunteerConnection } from './dependencies.ts';
import { storedAttestations } from './stored-attestations.ts';
import { volunteerConnection } from './volunteer-connection.ts';

/** Bytes of memory for content that is served to others. Older rounds are forgotten first. */
const CONTENT_BUDGET = 64 * 1024 * 1024;

/** Joins the swarm with this tab. Takes part in no rounds yet. In a chunk of its own. */
export async function joinAsVolunteer(options: JoinOptions): Promise<VolunteerConnection> {
  const { network, key, ledger, describe } = options;
  const store = new StoreWithLocalFiles(new MemoryStore(CONTENT_BUDGET));
  const connection = await joinSwarm({ network, key, ledger, store, describe });
  const { networkId } = connection;
  const attestations = storedAttestations({ device: key.address, networkId });
  return volunteerConnection({ ...options, connection, store, attestations });
}
