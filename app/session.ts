import type { ChecksPort } from './checks/checks-port.ts';
import type { JobsPort } from './jobs/jobs-port.ts';
import type { ModelsController } from './models/models-controller.ts';
import { OnDemand } from './on-demand.ts';
import type { SwarmsPort } from './swarms/swarms-port.ts';
import type { Openable } from './ui/use-opened.ts';
import type { Credentials } from './volunteer/volunteer.ts';
import type { VolunteerPort } from './volunteer/volunteer-port.ts';
import { followVolunteer, type VolunteerStore } from './volunteer/volunteer-store.ts';

/** The volunteer as its owner sees it. */
export interface OwnedVolunteer extends VolunteerPort {
  credentials(): Promise<Credentials>;
  close(): Promise<void>;
}

/** Jobs and checks as their owner sees them. */
export interface OwnedPaidWork {
  readonly jobs: JobsPort;
  readonly checks: ChecksPort;
  stop(): Promise<void>;
}

/** Swarms as their owner sees them. */
export interface OwnedSwarms extends SwarmsPort {
  stop(): Promise<void>;
}

export interface SessionOptions {
  /** Makes the volunteer. It calls `onKeyLost` once another tab has taken the device key over. */
  readonly openVolunteer: (options: { readonly onKeyLost: () => Promise<void> }) => OwnedVolunteer;
  readonly openPaidWork: (credentials: Credentials) => Promise<OwnedPaidWork>;
  readonly openSwarms: (volunteer: VolunteerPort) => Promise<OwnedSwarms>;
  readonly openModels: () => Promise<ModelsController>;
  /** Whether something of this device was under way in jobs or checks when the page was last closed. */
  readonly isPaidWorkUnderWay: () => boolean;
}

/**
 * Everything behind the page, side by side: the volunteer, swarms, jobs and checks, and the models. The
 * volunteer owns the device key. Jobs and checks sign with the same key, so they stop when the volunteer
 * loses it to another tab.
 */
export class Session {
  readonly volunteer: VolunteerPort;
  readonly view: VolunteerStore;
  readonly swarms: Openable<SwarmsPort>;
  readonly jobs: Openable<JobsPort>;
  readonly checks: Openable<ChecksPort>;
  readonly models: Openable<ModelsController>;
  readonly #options: SessionOptions;
  readonly #volunteer: OwnedVolunteer;
  readonly #paidWork: OnDemand<OwnedPaidWork>;
  readonly #swarms: OnDemand<OwnedSwarms>;
  readonly #models: OnDemand<ModelsController>;
  readonly #unfollow: () => void;

  constructor(options: SessionOptions) {
    this.#options = options;
    const volunteer = options.openVolunteer({ onKeyLost: () => paidWork.stop() });
    const paidWork = new OnDemand(async () => options.openPaidWork(await volunteer.credentials()));
    const swarms = new OnDemand(() => options.openSwarms(volunteer));
    const models = new OnDemand(options.openModels);
    const { store, stop } = followVolunteer(volunteer);
    this.#volunteer = volunteer;
    this.#paidWork = paidWork;
    this.#swarms = swarms;
    this.#models = models;
    this.#unfollow = stop;
    this.volunteer = volunteer;
    this.view = store;
    this.swarms = swarms;
    this.jobs = { open: async () => (await paidWork.open()).jobs };
    this.checks = { open: async () => (await paidWork.open()).checks };
    this.models = models;
  }

  /**
   * Opens the volunteer, then jobs and checks where something of this device is under way. Everything else
   * waits.
   */
  async start(): Promise<void> {
    await this.#volunteer.open();
    // Refused in a second tab, where it goes on in the first.
    if (this.#options.isPaidWorkUnderWay()) await this.#paidWork.open().catch(() => undefined);
  }

  /** Stops everything. What was under way goes on with the next start. */
  async stop(): Promise<void> {
    await Promise.all([
      this.#paidWork.stop(),
      this.#swarms.stop(),
      this.#models.stop(),
      this.#volunteer.close(),
    ]);
    this.#unfollow();
  }
}
