/**
 * Counts how many iterations a device lets loops take: alone, nested and one after another. Each line of the
 * output names a loop, the iterations that one invocation should take, and those that it took. Run it with
 * Deno on the driver in question: `VK_ICD_FILENAMES=<driver.json> npx deno run --unstable-webgpu --allow-all
 * bench/loop-limit.ts`.
 */

/** A loop of n[0] iterations that no compiler can evaluate; n[3] is 0. */
const loop = (counter: string): string =>
  `for (var i = 0u; i < n[0]; i++) { ${counter} += 1u + (n[3] & i); }`;
const nested =
  'for (var i = 0u; i < n[0]; i++) { s++; for (var j = 0u; j < n[1]; j++) { r += 1u + (n[3] & j); } }';

interface Probe {
  readonly name: string;
  /** Counts in `r` and `s`. */
  readonly body: string;
  /** n[0] and n[1]. */
  readonly iterations: readonly [number, number];
}

const PROBES: readonly Probe[] = [
  ...[65_535, 65_536, 1_000_000].map(
    (n): Probe => ({ name: 'one loop', body: loop('r'), iterations: [n, 0] }),
  ),
  ...(
    [
      [992, 64],
      [1000, 64],
      [65_535, 1],
      [2, 40_000],
    ] as const
  ).map((iterations): Probe => ({ name: 'a loop (second) within a loop', body: nested, iterations })),
  { name: 'one loop after another', body: `${loop('r')} ${loop('s')}`, iterations: [40_000, 0] },
  {
    name: 'one loop after another, a barrier between',
    body: `${loop('r')} workgroupBarrier(); ${loop('s')}`,
    iterations: [40_000, 0],
  },
  {
    name: 'eight neighbours in turn',
    body: `for (var k = 0u; k < 8u; k++) { if (lane % 8u == k) { ${loop('r')} } }`,
    iterations: [20_000, 0],
  },
  {
    name: 'eight lots of eight neighbours in turn',
    body: `for (var k = 0u; k < 8u; k++) { if (lane / 8u == k) { ${loop('r')} } }`,
    iterations: [60_000, 0],
  },
];

const LANES = 64;

/** The counts of every invocation of one workgroup. */
async function counts(device: GPUDevice, { body, iterations }: Probe): Promise<Uint32Array> {
  const code = `
@group(0) @binding(0) var<storage, read> n: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(${LANES})
fn main(@builtin(local_invocation_index) lane: u32) {
  var r = 0u;
  var s = 0u;
  ${body}
  out[2u * lane] = r;
  out[2u * lane + 1u] = s;
}`;
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module, entryPoint: 'main' },
  });
  const size = LANES * 8;
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const n = device.createBuffer({ size: 16, usage: STORAGE | COPY_DST });
  const out = device.createBuffer({ size, usage: STORAGE | COPY_SRC });
  const copy = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  device.queue.writeBuffer(n, 0, Uint32Array.of(...iterations, 0, 0));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [n, out].map((buffer, binding) => ({ binding, resource: { buffer } })),
    }),
  );
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(out, 0, copy, 0, size);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(GPUMapMode.READ);
  const words = new Uint32Array(copy.getMappedRange().slice(0));
  copy.destroy();
  return words;
}

/** The counts of invocations 0 to 7, equal neighbours written once: `0-2: 20000, 0 | 3: ...`. */
function described(words: Uint32Array): string {
  const parts: { first: number; last: number; text: string }[] = [];
  for (let lane = 0; lane < 8; lane++) {
    const text = `${words[2 * lane]}, ${words[2 * lane + 1]}`;
    const before = parts.at(-1);
    if (before?.text === text) before.last = lane;
    else parts.push({ first: lane, last: lane, text });
  }
  if (parts.length === 1) return parts[0]?.text ?? '';
  return parts
    .map(
      ({ first, last, text }) => `${first === last ? `lane ${first}` : `lanes ${first} to ${last}`}: ${text}`,
    )
    .join(' | ');
}

const adapter = await navigator.gpu.requestAdapter();
if (adapter === null) throw new Error('no adapter; set VK_ICD_FILENAMES to a driver');
const device = await adapter.requestDevice();
console.log(adapter.info.description);
for (const probe of PROBES) {
  const [n, m] = probe.iterations;
  console.log(`${probe.name}, ${n}${m === 0 ? '' : ` by ${m}`}: ${described(await counts(device, probe))}`);
}
device.destroy();

export {};
