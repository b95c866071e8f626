/** Members, relays and splits of the chaos drill, on this machine. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '../../protocol/must.ts';
import { GRAYLIST_SCORE } from '../../swarm/gossipsub.ts';
import { networkId } from '../../swarm/network-id.ts';
import { type Relay, startRelay } from '../../swarm/relay/relay.ts';
import { systemScheduler, wait } from '../../swarm/scheduler.ts';
import { DRILL_NETWORK } from '../drill/member-settings.ts';
import { type Budget, Judge, type Verdict } from './judge.ts';
import { cheatOfLife, LIFE } from './lives.ts';
import type { RunningMember } from './member-host.ts';
import { planTrouble, type Trouble } from './plan.ts';
import { startProcess } from './process-host.ts';
import type { ChaosReport, Cheat, WorldDevice } from './settings.ts';
import { TabHost } from './tab-host.ts';
import { chaosKey, worldDevice } from './world.ts';

const RELAYS = 2;
const STAGGER_MS = 700;

export interface ChaosOptions {
  readonly seconds: number;
  readonly members: number;
  readonly hostile: number;
  /** Honest members that are tabs. All others are processes. */
  readonly tabs: number;
  readonly seed: string;
  readonly roundSeconds: number;
  readonly budget: Budget;
  /** Where members keep what outlives their processes. */
  readonly folder: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A member of the drill, whichever process or tab it has now. */
interface Member {
  readonly number: number;
  name: string;
  cheat: Cheat | null;
  lives: number;
  running: RunningMember | null;
  /** Kills the member when it says that a round is finished. */
  readonly atFinish: (() => void)[];
}

interface RelayPlace {
  readonly privateKey: Uint8Array;
  readonly ports: { readonly ws: number; readonly tcp: number };
  readonly addresses: readonly string[];
  readonly peerId: string;
  running: Relay | null;
}

/** Has a swarm in trouble for so many seconds, and judges it. Resolves when no process is left. */
export async function chaos(options: ChaosOptions): Promise<Verdict> {
  const drill = new ChaosDrill(options);
  try {
    return await drill.run();
  } finally {
    await drill.stop();
  }
}

class ChaosDrill {
  readonly #options: ChaosOptions;
  readonly #judge: Judge;
  readonly #members: Member[];
  readonly #relays: RelayPlace[] = [];
  readonly #worldFile: string;
  readonly #devices: readonly WorldDevice[];
  #tabs: TabHost | null = null;
  readonly #working = new Set<Promise<void>>();
  /** The members and relays of one side while the network is split. */
  #split: Extract<Trouble, { readonly kind: 'split' }> | null = null;
  #ready = 0;
  #stopped = false;

  constructor(options: ChaosOptions) {
    this.#options = options;
    const { members, hostile, roundSeconds } = options;
    this.#judge = new Judge({ threshold: GRAYLIST_SCORE, roundSeconds });
    this.#worldFile = join(options.folder, 'world.json');
    this.#members = Array.from({ length: members }, (_, number) => ({
      number,
      name: `honest ${number}`,
      cheat: null,
      lives: 0,
      running: null,
      atFinish: [],
    }));
    for (const member of this.#members.slice(members - hostile)) this.#nextLife(member);
    this.#devices = this.#world();
  }

  get #honest(): readonly Member[] {
    return this.#members.filter(({ cheat }) => cheat === null);
  }

  get #hostile(): readonly Member[] {
    return this.#members.filter(({ cheat }) => cheat !== null);
  }

  /** Gives a hostile member another key and another kind of cheat. */
  #nextLife(member: Member): void {
    const { members, hostile } = this.#options;
    member.cheat = cheatOfLife({ place: member.number - (members - hostile), hostile, life: member.lives });
    member.name = `hostile ${member.number} ${member.lives++}`;
  }

  async run(): Promise<Verdict> {
    const { seconds, say, signal, seed, roundSeconds, budget, hostile, tabs } = this.#options;
    const honest = this.#honest.length;
    await writeFile(this.#worldFile, JSON.stringify(this.#devices));
    if (tabs > 0) this.#tabs = await TabHost.open();
    for (let n = 0; n < RELAYS; n++) this.#relays.push(await newRelay());
    for (const member of this.#members) {
      if (member.cheat === null) this.#judge.addHonest(member.number, chaosKey(member.name).address);
      this.#start(member);
      await wait(systemScheduler, STAGGER_MS, signal);
    }
    while (this.#ready < this.#members.length) await wait(systemScheduler, 200, signal);
    say(`All ${this.#members.length} members are there, ${tabs} of them tabs and ${hostile} hostile.`);
    const began = systemScheduler.now();
    const plan = planTrouble({ seed, seconds, honest, hostile, relays: RELAYS });
    const at = async (second: number): Promise<void> => {
      const left = began + 1_000 * second - systemScheduler.now();
      if (left > 0) await wait(systemScheduler, left, signal);
    };
    for (const [n, member] of this.#hostile.entries())
      this.#background(this.#liveOn(member, (life) => at(LIFE * (life + 1) + 5 * n), seconds));
    for (const trouble of plan) {
      await at(trouble.at);
      this.#background(this.#have(trouble));
    }
    await at(seconds);
    // A round that was finished late is acknowledged later.
    const last = Math.floor(systemScheduler.now() / (1_000 * roundSeconds)) - 1;
    await wait(systemScheduler, 1_000 * Math.min(roundSeconds, 30), signal);
    for (const line of this.#judge.findings(last)) say(line);
    return this.#judge.verdict({ last, hostile, budget });
  }

  /** Ends all processes, tabs and relays. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#members.map((member) => this.#kill(member)));
    // A kill that waits for a member to finish a round would wait for ever now.
    for (const { atFinish } of this.#members) for (const goOn of atFinish.splice(0)) goOn();
    await Promise.allSettled([...this.#working]);
    await this.#tabs?.stop();
    for (const { running } of this.#relays) await running?.stop();
  }

  #background(work: Promise<void>): void {
    // An abort is told by whoever waits in the foreground.
    const done = work.catch((error: unknown) => {
      if (!this.#options.signal.aborted && !this.#stopped) this.#options.say(String(error));
    });
    this.#working.add(done);
    void done.then(() => this.#working.delete(done));
  }

  async #liveOn(member: Member, until: (life: number) => Promise<void>, seconds: number): Promise<void> {
    for (let life = 0; LIFE * (life + 1) < seconds - LIFE / 2; life++) {
      await until(life);
      await this.#kill(member);
      this.#nextLife(member);
      this.#start(member);
    }
  }

  async #have(trouble: Trouble): Promise<void> {
    const { say, signal } = this.#options;
    const over = (): Promise<void> => wait(systemScheduler, 1_000 * trouble.awaySeconds, signal);
    if (trouble.kind === 'kill') {
      const member = must(this.#members, trouble.member);
      const when = trouble.atFinish ? ' when it has finished a round' : '';
      say(`${trouble.at} s: member ${trouble.member} is killed${when} for ${trouble.awaySeconds} s.`);
      if (trouble.atFinish)
        await new Promise<void>((resolve) => {
          member.atFinish.push(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      if (member.running === null) return;
      await this.#kill(member);
      this.#judge.killed(member.number);
      await over();
      this.#start(member);
    } else if (trouble.kind === 'relay') {
      const relay = must(this.#relays, trouble.relay);
      const { running } = relay;
      if (running === null) return;
      say(`${trouble.at} s: relay ${trouble.relay} stops for ${trouble.awaySeconds} s.`);
      relay.running = null;
      await running.stop();
      await over();
      relay.running = await startAgain(relay);
    } else {
      say(`${trouble.at} s: the network splits for ${trouble.awaySeconds} s: ${trouble.members.join(', ')}.`);
      this.#split = trouble;
      this.#tellSplit();
      await over();
      this.#split = null;
      this.#tellSplit();
      say(`${trouble.at + trouble.awaySeconds} s: the network is whole.`);
    }
  }

  #start(member: Member): void {
    if (this.#stopped) return;
    const { folder, roundSeconds, say } = this.#options;
    const { name, cheat, number } = member;
    const { peerId, address } = chaosKey(name);
    if (cheat !== null) this.#judge.addHostile(peerId, address, cheat);
    const settings = {
      ...{ name, roundSeconds },
      relays: this.#relays.flatMap(({ addresses }) => addresses),
      blocked: this.#blockedFor(member),
    };
    const hooks = {
      onReport: (report: ChaosReport) => this.#hear(member, report),
      onEnded: (how: string) => {
        if (!this.#stopped) say(`Member ${number} (${cheat ?? 'honest'}) ended by itself: ${how}.`);
      },
    };
    if (this.#tabs !== null && number < this.#options.tabs)
      member.running = this.#tabs.start(number, { ...settings, devices: this.#devices }, hooks);
    else {
      const own = { cheat, folder: join(folder, `member-${number}`), worldFile: this.#worldFile };
      member.running = startProcess({ ...settings, ...own }, hooks);
    }
    // The others have to know on which side the new key is.
    if (this.#split !== null && cheat !== null) this.#tellSplit();
  }

  #hear({ number, cheat, lives, atFinish }: Member, report: ChaosReport): void {
    if (report.kind === 'ready' && lives < 2) this.#ready++;
    if (report.kind === 'finished' && cheat === null) for (const goOn of atFinish.splice(0)) goOn();
    if (cheat === null) this.#judge.hear(number, report, systemScheduler.now() / 1_000);
    else this.#judge.hearHostile(report);
    if (report.kind === 'failed')
      this.#options.say(`Member ${number} failed round ${report.round}: ${report.cause}`);
  }

  async #kill(member: Member): Promise<void> {
    const { running } = member;
    member.running = null;
    await running?.kill();
  }

  #blockedFor({ number }: Member): readonly string[] {
    const split = this.#split;
    if (split === null) return [];
    const side = split.members.includes(number);
    return [
      ...this.#members
        .filter((other) => split.members.includes(other.number) !== side)
        .map(({ name }) => chaosKey(name).peerId),
      ...this.#relays.filter((_, n) => split.relays.includes(n) !== side).map(({ peerId }) => peerId),
    ];
  }

  #tellSplit(): void {
    for (const member of this.#members) member.running?.split(this.#blockedFor(member));
  }

  /** Honest members have a record on the chain, and so has every other key of the hostile ones. */
  #world(): readonly WorldDevice[] {
    const { seconds, members, hostile } = this.#options;
    const lives = Math.ceil(seconds / LIFE) + 2;
    const devices = this.#honest.map(({ name }) => worldDevice(name, true));
    for (let number = members - hostile; number < members; number++)
      for (let life = 0; life < lives; life++)
        devices.push(worldDevice(`hostile ${number} ${life}`, life % 2 === 0));
    return devices;
  }
}

async function newRelay(): Promise<RelayPlace> {
  const privateKey = Uint8Array.from(randomBytes(32));
  const running = await startRelay({ privateKey, networks: [networkOfDrill()] });
  const portOf = (isWebSocket: boolean): number => {
    const address = running.addresses.find((text) => text.includes('/ws') === isWebSocket);
    const port = /\/tcp\/(\d+)/.exec(address ?? '')?.[1];
    if (port === undefined) throw new Error(`A relay has no such port: ${running.addresses.join(', ')}.`);
    return Number(port);
  };
  return {
    privateKey,
    ports: { ws: portOf(true), tcp: portOf(false) },
    addresses: running.addresses,
    peerId: running.peerId,
    running,
  };
}

function startAgain({ privateKey, ports }: RelayPlace): Promise<Relay> {
  return startRelay({ privateKey, ports, networks: [networkOfDrill()] });
}

function networkOfDrill(): string {
  const { chainId, contracts, swarm } = DRILL_NETWORK;
  return networkId(chainId, contracts.participation, swarm);
}
