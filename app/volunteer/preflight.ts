/**
 * The pre-flight: what this device can do, and what contributing fetches and costs, before anything is
 * downloaded. It uses feature tests and the browser's own estimates, and sends nothing to the network.
 */
export interface Preflight {
  /** Whether the page came over https or from this machine. Browsers hold most features back elsewhere. */
  readonly secure: boolean;
  readonly webgpu: { readonly available: boolean; readonly adapter: string; readonly why: string };
  /** Threads that wasm workers can use; 1 where the page is not cross-origin isolated. */
  readonly threads: number;
  readonly isolated: boolean;
  readonly simd: boolean;
  /** Bytes that this site may still store, or null where the browser does not say. */
  readonly storage: number | null;
  /** Whether the browser promised not to clear the storage under pressure. */
  readonly persisted: boolean;
  /** Gigabytes as the browser rounds them, 0.25 to 8, or null where it does not say. */
  readonly memory: number | null;
  readonly webrtc: boolean;
  readonly webLocks: boolean;
  readonly privateFiles: boolean;
  readonly battery: { readonly charging: boolean; readonly level: number } | null;
}

/** What contributing fetches and takes, known before the click. */
export interface FetchPlan {
  /** Bytes of the model's files. */
  readonly modelBytes: number;
  /** Whether the device fetches all of these, or what its blocks need of them. */
  readonly fetches: 'all' | 'parts';
  readonly codeBytes: number;
  /** Rough peak of memory in use, in bytes. Null in blocks, where it depends on those kept here. */
  readonly memoryBytes: number | null;
}

export interface Finding {
  readonly id: string;
  readonly level: 'good' | 'fair' | 'stop';
  readonly text: string;
}

/** The parts of the browser that the pre-flight reads. Tests pass their own. */
export interface DeviceProbe {
  readonly navigator: {
    readonly gpu?: {
      requestAdapter(): Promise<{
        readonly info?: { vendor?: string; architecture?: string; description?: string };
      } | null>;
    };
    readonly hardwareConcurrency?: number;
    readonly deviceMemory?: number;
    readonly locks?: unknown;
    readonly storage?: {
      estimate?(): Promise<{ quota?: number; usage?: number }>;
      persisted?(): Promise<boolean>;
      getDirectory?: unknown;
    };
    getBattery?(): Promise<{ readonly charging: boolean; readonly level: number }>;
  };
  readonly isSecureContext: boolean;
  readonly crossOriginIsolated: boolean;
  readonly webrtc: boolean;
  /** `WebAssembly.validate`. */
  validate(module: Uint8Array<ArrayBuffer>): boolean;
}

/**
 * `(func (result v128) i32.const 0 i8x16.splat)`, which is valid only where fixed-width SIMD is supported.
 */
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
]);

/** Asks the browser what this device can do. Never throws: what the browser does not say counts as absent. */
export async function inspectDevice(probe: DeviceProbe): Promise<Preflight> {
  const { navigator } = probe;
  const [webgpu, estimate, persisted, battery] = await Promise.all([
    inspectWebGpu(navigator.gpu),
    attempt(() => navigator.storage?.estimate?.()),
    attempt(() => navigator.storage?.persisted?.()),
    attempt(() => navigator.getBattery?.()),
  ]);
  return {
    secure: probe.isSecureContext,
    webgpu,
    threads: probe.crossOriginIsolated ? Math.max(1, navigator.hardwareConcurrency ?? 1) : 1,
    isolated: probe.crossOriginIsolated,
    simd: probe.validate(SIMD_MODULE),
    storage: estimate?.quota === undefined ? null : Math.max(0, estimate.quota - (estimate.usage ?? 0)),
    persisted: persisted ?? false,
    memory: navigator.deviceMemory ?? null,
    webrtc: probe.webrtc,
    webLocks: navigator.locks !== undefined,
    privateFiles: navigator.storage?.getDirectory !== undefined,
    battery: battery === undefined ? null : { charging: battery.charging, level: battery.level },
  };
}

async function inspectWebGpu(gpu: DeviceProbe['navigator']['gpu']): Promise<Preflight['webgpu']> {
  if (gpu === undefined) return { available: false, adapter: '', why: 'this browser does not offer WebGPU' };
  try {
    const adapter = await gpu.requestAdapter();
    if (adapter === null) return { available: false, adapter: '', why: 'the browser found no usable GPU' };
    const info = adapter.info;
    const name =
      info?.description || [info?.vendor, info?.architecture].filter(Boolean).join(' ') || 'unnamed GPU';
    return { available: true, adapter: name, why: '' };
  } catch (error) {
    return {
      available: false,
      adapter: '',
      why: error instanceof Error ? error.message : 'the GPU did not answer',
    };
  }
}

async function attempt<T>(ask: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    return undefined;
  }
}

/**
 * The pre-flight in a few plain lines, the most important first. A finding of level `stop` means that
 * contributing cannot work here; `fair` means that it works with a limit, which the line names. Where the
 * page's address is the cause of everything that is missing, that is the only line.
 */
export function findingsOf(
  preflight: Preflight,
  plan: FetchPlan,
  bytes: (count: number) => string,
): readonly Finding[] {
  const findings: Finding[] = [];
  const add = (id: string, level: Finding['level'], text: string) => findings.push({ id, level, text });

  if (!preflight.secure) {
    const text =
      'Open this page over https, or on the machine that serves it. At this address the browser switches off ' +
      'what contributing needs.';
    add('address', 'stop', text);
    return findings;
  }
  if (!preflight.simd && !preflight.webgpu.available) {
    add('compute', 'fair', 'Neither WebGPU nor WebAssembly SIMD here: the plain engine works, slowly.');
  } else if (preflight.webgpu.available) {
    add(
      'compute',
      'good',
      `Can compute with WebGPU (${preflight.webgpu.adapter}) and on the processor; the faster one is chosen.`,
    );
  } else {
    add('compute', 'good', `Computes on the processor, because ${preflight.webgpu.why}.`);
  }
  if (!preflight.webrtc) {
    add(
      'webrtc',
      'stop',
      'This browser offers no WebRTC, so it cannot meet other volunteers. Try a current Chrome, Edge, Firefox or Safari.',
    );
  }
  if (!preflight.isolated) {
    add(
      'threads',
      'fair',
      'One thread only: the page is not isolated, so threads are switched off. Its host sends no isolation headers. Load the page again, so that its service worker can stand in for them.',
    );
  } else {
    add(
      'threads',
      'good',
      preflight.threads === 1 ? 'One processor thread.' : `${preflight.threads} processor threads to share.`,
    );
  }
  // What blocks take is said block by block.
  const need = plan.memoryBytes === null ? 0 : plan.modelBytes * 4;
  if (!preflight.privateFiles) {
    add('storage', 'fair', 'No private file storage: progress is lost when the tab closes.');
  } else if (preflight.storage !== null && preflight.storage < need) {
    add(
      'storage',
      'fair',
      `Only ${bytes(preflight.storage)} of storage left here; checkpoints want about ${bytes(need)}.`,
    );
  } else if (preflight.storage !== null) {
    add('storage', 'good', `Room for checkpoints: the browser allows ${bytes(preflight.storage)}.`);
  }
  if (preflight.battery !== null && !preflight.battery.charging) {
    const level = Math.round(preflight.battery.level * 100);
    add(
      'battery',
      'fair',
      `Running on battery (${level} %). Contributing uses about as much power as a video call.`,
    );
  }
  return findings;
}
