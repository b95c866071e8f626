import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { CHEATS, type ChaosReport, type Cheat, type Statement, type Theft } from './settings.ts';

/** What a member of the swarm may use. The drill fails where one uses more. */
export interface Budget {
  /** MiB of JavaScript's heap in a member's process, at any time. */
  readonly heapMiB: number;
  /** Messages of others that a member accepts in a round, on average over its life. */
  readonly messagesARound: number;
}

/** Figures of all members that tried one kind of cheat. */
export interface CheatFigures {
  readonly kind: Cheat;
  /** Hostile members that had an honest neighbour for some seconds. */
  readonly tried: number;
  /** Of these, the ones whose score fell below the threshold at every such neighbour. */
  readonly cut: number;
  /** Honest neighbours of all of them, and those that cut. */
  readonly neighbours: number;
  readonly cutBy: number;
  /** Seconds from the first sight of a neighbour to its cut, of the middle one. Null where none cut. */
  readonly medianSeconds: number | null;
  /** The lowest score that any honest neighbour gave. */
  readonly lowestScore: number;
}

export interface Verdict {
  readonly members: number;
  readonly hostile: number;
  /** Rounds of honest members that they said were finished. */
  readonly roundsFinished: number;
  /** Finished rounds that no other honest member acknowledged, or whose checkpoint was not gone on from. */
  readonly roundsLost: number;
  readonly cheatsCut: number;
  readonly cheatsTried: number;
  readonly kinds: readonly CheatFigures[];
  /** Votes of honest members that two honest members heard differently, and those of hostile ones. */
  readonly honestVotesSplit: number;
  readonly hostileVotesSplit: number;
  readonly votesCompared: number;
  /**
   * Acks by honest members of what hostile members attested, and sets that honest ones trained on although
   * they were stolen from an honest member. A hostile one may show its own while others can still commit.
   */
  readonly cheatsAcknowledged: number;
  readonly stolenSetsUsed: number;
  readonly kills: number;
  readonly failedRounds: number;
  readonly heapMiB: number;
  readonly rssMiB: number;
  readonly messagesARound: number;
  readonly overBudget: number;
}

/**
 * Seconds that a hostile member has to be a neighbour of one process before its cut is asked for. A process
 * that begins again knows no scores.
 */
const DWELL = 45;
/** Seconds between two looks of a process at its neighbours, at most. A longer gap is a time without it. */
const MOST_BETWEEN_LOOKS = 5;

interface Honest {
  readonly address: DeviceAddress;
  readonly stored: { readonly round: number; readonly previousRoot: string; readonly root: string }[];
  readonly finished: Map<number, string>;
  /** When a round was finished. */
  readonly finishedAt: Map<number, number>;
  /** How many neighbours it had, relays among them, at each look. */
  readonly neighbours: { readonly at: number; readonly count: number }[];
  /** Messages and seconds of processes that have ended, and of the present one. */
  heard: number;
  seconds: number;
  last: { readonly heard: number; readonly from: number; readonly at: number } | null;
  heapMiB: number;
  rssMiB: number;
}

interface Sight {
  readonly first: number;
  last: number;
  /** Seconds for which the present process had it as a neighbour. */
  had: number;
  lowest: number;
  cutAt: number | null;
}

/** Everything that members tell the drill, and what it comes to. Times are seconds. */
export class Judge {
  readonly #threshold: number;
  readonly #roundSeconds: number;
  readonly #honest = new Map<number, Honest>();
  readonly #hostile = new Map<string, { readonly kind: Cheat; readonly sights: Map<number, Sight> }>();
  readonly #hostileAddresses = new Set<DeviceAddress>();
  readonly #acks = new Map<string, Set<DeviceAddress>>();
  readonly #votes = new Map<string, Map<string, Set<number>>>();
  readonly #stolen = new Map<string, Theft>();
  readonly #used = new Set<string>();
  #kills = 0;
  #failed = 0;

  constructor(options: {
    /** The score in gossip at which a neighbour is heard no more. */
    readonly threshold: number;
    readonly roundSeconds: number;
  }) {
    this.#threshold = options.threshold;
    this.#roundSeconds = options.roundSeconds;
  }

  addHonest(member: number, address: DeviceAddress): void {
    const nothing = { heard: 0, seconds: 0, last: null, heapMiB: 0, rssMiB: 0 };
    this.#honest.set(member, {
      ...{ address, stored: [], finished: new Map(), finishedAt: new Map(), neighbours: [] },
      ...nothing,
    });
  }

  addHostile(peerId: string, address: DeviceAddress, kind: Cheat): void {
    this.#hostile.set(peerId, { kind, sights: new Map() });
    this.#hostileAddresses.add(address);
  }

  /** The process of an honest member was killed. */
  killed(member: number): void {
    this.#kills++;
    this.#settle(member);
    for (const { sights } of this.#hostile.values()) {
      const sight = sights.get(member);
      if (sight?.cutAt === null) sights.delete(member);
    }
  }

  /** A report of a hostile member. Only what it stole is believed. */
  hearHostile(report: ChaosReport): void {
    if (report.kind === 'stolen') this.#stolen.set(report.cid, report);
  }

  hear(member: number, report: ChaosReport, at: number): void {
    const honest = this.#honest.get(member);
    if (honest === undefined) return;
    switch (report.kind) {
      case 'stored':
        // A member that begins again tells of its last round once more.
        if (honest.stored.at(-1)?.root !== report.root) honest.stored.push(report);
        break;
      case 'finished':
        honest.finished.set(report.round, report.root);
        honest.finishedAt.set(report.round, at);
        for (const cid of report.foreign) this.#used.add(cid);
        break;
      case 'failed':
        this.#failed++;
        break;
      case 'ack': {
        const name = nameOf(report.statement);
        this.#acks.set(name, (this.#acks.get(name) ?? new Set()).add(report.by));
        break;
      }
      case 'vote': {
        const { round, author, value } = report.statement;
        const heard = this.#votes.get(`${round} ${author}`) ?? new Map<string, Set<number>>();
        heard.set(value, (heard.get(value) ?? new Set()).add(member));
        this.#votes.set(`${round} ${author}`, heard);
        break;
      }
      case 'state':
        this.#state(member, honest, report, at);
        break;
      case 'ready':
      case 'stolen':
        break;
    }
  }

  #state(
    member: number,
    honest: Honest,
    report: Extract<ChaosReport, { readonly kind: 'state' }>,
    at: number,
  ): void {
    honest.heapMiB = Math.max(honest.heapMiB, report.heapMiB);
    honest.rssMiB = Math.max(honest.rssMiB, report.rssMiB);
    honest.neighbours.push({ at, count: report.scores.length });
    honest.last = { heard: report.heard, from: honest.last?.from ?? at, at };
    for (const [peerId, score] of report.scores) {
      const sights = this.#hostile.get(peerId)?.sights;
      if (sights === undefined) continue;
      const sight = sights.get(member) ?? { first: at, last: at, had: 0, lowest: 0, cutAt: null };
      sights.set(member, sight);
      const since = at - sight.last;
      if (since <= MOST_BETWEEN_LOOKS) sight.had += since;
      sight.last = at;
      sight.lowest = Math.min(sight.lowest, score);
      if (score < this.#threshold) sight.cutAt ??= at;
    }
  }

  #settle(member: number): void {
    const honest = this.#honest.get(member);
    if (honest?.last == null) return;
    honest.heard += honest.last.heard;
    honest.seconds += honest.last.at - honest.last.from;
    honest.last = null;
  }

  /** The finished rounds that are lost, with the reason. A round after `last` is not asked for yet. */
  lost(last: number): readonly { readonly member: number; readonly round: number; readonly why: string }[] {
    return [...this.#honest].flatMap(([member, { address, finished, stored }]) =>
      [...finished]
        .filter(([round]) => round <= last)
        .flatMap(([round, root]) => {
          const why = this.#whyLost(address, round, root, stored);
          return why === null ? [] : [{ member, round, why }];
        }),
    );
  }

  #whyLost(address: DeviceAddress, round: number, root: string, stored: Honest['stored']): string | null {
    const acks = this.#acks.get(nameOf({ round, author: address, value: root })) ?? new Set();
    const honest = [...this.#honest.values()].map((other) => other.address);
    if (!honest.some((other) => other !== address && acks.has(other))) return 'nobody acknowledged it';
    const at = stored.findIndex((entry) => entry.round === round && entry.root === root);
    const next = stored[at + 1];
    if (at < 0) return 'its checkpoint was not stored';
    return next === undefined || next.previousRoot === root ? null : 'the next round went on from another';
  }

  /** Hostile members whom a neighbour that had them long enough did not cut. */
  uncut(): readonly {
    readonly kind: Cheat;
    readonly peerId: string;
    readonly member: number;
    readonly had: number;
    readonly lowest: number;
  }[] {
    return [...this.#hostile].flatMap(([peerId, { kind, sights }]) =>
      [...sights]
        .filter(([, { had, cutAt }]) => cutAt === null && had >= DWELL)
        .map(([member, { had, lowest }]) => ({ kind, peerId, member, had, lowest })),
    );
  }

  /** A sentence for each finished round that is lost, and for each cheat that a neighbour did not cut. */
  findings(last: number): readonly string[] {
    return [
      ...this.lost(last).map(
        ({ member, round, why }) =>
          `Member ${member} lost round ${round}: ${why}. ${this.#neighboursAfter(member, round)}`,
      ),
      ...this.uncut().map(
        ({ kind, peerId, member, had, lowest }) =>
          `Member ${member} had ${peerId} (${kind}) for ${Math.round(had)} s, down to ${Math.round(lowest)}.`,
      ),
    ];
  }

  /** How many neighbours a member had while others could still acknowledge a round: for two rounds. */
  #neighboursAfter(member: number, round: number): string {
    const { finishedAt, neighbours = [] } = this.#honest.get(member) ?? {};
    const from = finishedAt?.get(round) ?? 0;
    const counts = neighbours
      .filter(({ at }) => at >= from && at < from + 2 * this.#roundSeconds)
      .map(({ count }) => count);
    if (counts.length === 0) return 'It did not run after that.';
    return `It had ${Math.min(...counts)} to ${Math.max(...counts)} neighbours in the two rounds after that.`;
  }

  /** What it all came to. Rounds after `last` are not counted. */
  verdict(options: { readonly last: number; readonly hostile: number; readonly budget: Budget }): Verdict {
    for (const member of this.#honest.keys()) this.#settle(member);
    const members = [...this.#honest.values()];
    const kinds = CHEATS.map((kind) => this.#figures(kind));
    const honest = new Set(members.map(({ address }) => address));
    const splitOf = (isHonest: boolean): number =>
      [...this.#votes].filter(
        ([name, heard]) => heard.size > 1 && honest.has(name.split(' ')[1] as DeviceAddress) === isHonest,
      ).length;
    const rate = ({ heard, seconds }: Honest): number =>
      seconds === 0 ? 0 : (heard / seconds) * this.#roundSeconds;
    const { heapMiB, messagesARound } = options.budget;
    return {
      members: members.length + options.hostile,
      hostile: options.hostile,
      roundsFinished: members.reduce(
        (sum, { finished }) => sum + [...finished.keys()].filter((round) => round <= options.last).length,
        0,
      ),
      roundsLost: this.lost(options.last).length,
      cheatsCut: kinds.reduce((sum, { cut }) => sum + cut, 0),
      cheatsTried: kinds.reduce((sum, { tried }) => sum + tried, 0),
      kinds,
      honestVotesSplit: splitOf(true),
      hostileVotesSplit: splitOf(false),
      votesCompared: [...this.#votes.values()].filter(
        (heard) => [...heard.values()].reduce((sum, { size }) => sum + size, 0) > 1,
      ).length,
      cheatsAcknowledged: [...this.#acks].filter(
        ([name, by]) =>
          this.#hostileAddresses.has(name.split(' ')[1] as DeviceAddress) &&
          [...by].some((one) => honest.has(one)),
      ).length,
      stolenSetsUsed: [...this.#used].filter((cid) => this.#isStolenFromHonest(cid)).length,
      kills: this.#kills,
      failedRounds: this.#failed,
      heapMiB: Math.round(Math.max(0, ...members.map((member) => member.heapMiB))),
      rssMiB: Math.round(Math.max(0, ...members.map((member) => member.rssMiB))),
      messagesARound: Math.round(Math.max(0, ...members.map(rate))),
      overBudget: members.filter((member) => member.heapMiB > heapMiB || rate(member) > messagesARound)
        .length,
    };
  }

  /** Whether a set, or the one of which it is a copy of a copy, was an honest member's. */
  #isStolenFromHonest(cid: string): boolean {
    const seen = new Set<string>();
    const honest = [...this.#honest.values()].map(({ address }) => address);
    for (let theft = this.#stolen.get(cid); theft !== undefined; theft = this.#stolen.get(theft.of)) {
      if (honest.includes(theft.from)) return true;
      if (seen.has(theft.of)) return false;
      seen.add(theft.of);
    }
    return false;
  }

  #figures(kind: Cheat): CheatFigures {
    const tried = [...this.#hostile.values()]
      .filter((hostile) => hostile.kind === kind)
      .map(({ sights }) => [...sights.values()].filter(({ had, cutAt }) => cutAt !== null || had >= DWELL))
      .filter((sights) => sights.length > 0);
    const sights = tried.flat();
    const seconds = sights
      .flatMap(({ first, cutAt }) => (cutAt === null ? [] : [cutAt - first]))
      .sort((a, b) => a - b);
    return {
      kind,
      tried: tried.length,
      cut: tried.filter((of) => of.every(({ cutAt }) => cutAt !== null)).length,
      neighbours: sights.length,
      cutBy: seconds.length,
      medianSeconds: seconds.length === 0 ? null : Math.round(must(seconds, seconds.length >> 1)),
      lowestScore: Math.round(Math.min(0, ...sights.map(({ lowest }) => lowest))),
    };
  }
}

function nameOf({ round, author, value }: Statement): string {
  return `${round} ${author} ${value}`;
}
