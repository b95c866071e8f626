/** The page of an honest member of the chaos drill. Its tab is opened and killed by tab-host.ts. */
import { storedAttestations } from '../../app/volunteer/stored-attestations.ts';
import { networkId } from '../../swarm/network-id.ts';
import { DRILL_NETWORK } from '../drill/member-settings.ts';
import { haveRounds, type JoinedMember, joinDrill } from './joined-member.ts';
import type { KeptRound, StoredRound } from './kept-trainer.ts';
import type { ChaosReport, ChaosTabSettings } from './settings.ts';
import { chaosKey, worldLedger } from './world.ts';

export interface ChaosTab {
  /** Resolves when the member has joined. It has rounds until the tab is closed. */
  start(settings: ChaosTabSettings): Promise<void>;
  /** Has these peers on the other side of a split from now on. */
  split(blocked: readonly string[]): void;
}

declare global {
  interface Window {
    chaosTab: ChaosTab;
    /** Carries a report to the drill. */
    chaosTell(report: ChaosReport): Promise<void>;
  }
  interface Performance {
    /** Only Chromium has it. */
    readonly memory: { readonly usedJSHeapSize: number };
  }
}

const keptHere: KeptRound = {
  async read() {
    const text = localStorage.getItem('checkpoint');
    return text === null ? undefined : (JSON.parse(text) as StoredRound);
  },
  write: async (stored) => localStorage.setItem('checkpoint', JSON.stringify(stored)),
};

function tell(report: ChaosReport): void {
  // What a tab says while it is killed is lost, as with a process.
  window.chaosTell(report).catch(() => undefined);
}

let member: JoinedMember | undefined;

window.chaosTab = {
  async start(settings) {
    const key = chaosKey(settings.name);
    const ledger = worldLedger({ key, ...settings });
    member = await joinDrill({
      ...{ key, ledger, settings, tell },
      memory: () => ({ heapMiB: performance.memory.usedJSHeapSize / 2 ** 20, rssMiB: 0 }),
    });
    const { chainId, contracts, swarm } = DRILL_NETWORK;
    const id = networkId(chainId, contracts.participation, swarm);
    void haveRounds({
      ...{ member, key, ledger, tell },
      kept: keptHere,
      attestations: storedAttestations({ device: key.address, networkId: id }),
      signal: new AbortController().signal,
    });
  },
  split: (blocked) => member?.gate.block(blocked),
};
