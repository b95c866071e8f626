/**
 * The f32 rate that a GPU reaches when it does nothing but multiply and add: what a share of its peak is a
 * share of.
 */

const INVOCATIONS = 256;
/** Independent chains of vec4 in each invocation, enough to hide one multiply-add's latency. */
const CHAINS = 8;
const STEPS = 64;

const SHADER = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(1) var<uniform> loops: u32;

@compute @workgroup_size(${INVOCATIONS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(f32(id.x) * 1e-9 + 0.5);
  let y = vec4f(0.25);
  ${chains((c) => `var a${c} = vec4f(${c}.0);`)}
  for (var i = 0u; i < loops; i++) {
    ${Array.from({ length: STEPS }, () => chains((c) => `a${c} = fma(a${c}, x, y);`)).join('\n')}
  }
  out[id.x] = ${Array.from({ length: CHAINS }, (_, c) => `a${c}`).join(' + ')};
}`;

function chains(statement: (chain: number) => string): string {
  return Array.from({ length: CHAINS }, (_, chain) => statement(chain)).join(' ');
}

export interface PeakOptions {
  readonly device: GPUDevice;
  readonly workgroups?: number;
  readonly rounds?: number;
  /** A dispatch grows until it takes about this long. */
  readonly targetMs?: number;
}

/** GFLOP/s of the best dispatch; a fused multiply-add counts as two. */
export async function measurePeak(options: PeakOptions): Promise<number> {
  const { device, workgroups = 4096, rounds = 5, targetMs = 30 } = options;
  const out = device.createBuffer({ size: workgroups * INVOCATIONS * 16, usage: GPUBufferUsage.STORAGE });
  const loops = device.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: SHADER }), entryPoint: 'main' },
  });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [
      { binding: 0, resource: { buffer: out } },
      { binding: 1, resource: { buffer: loops } },
    ],
  });
  const time = async (count: number): Promise<number> => {
    device.queue.writeBuffer(loops, 0, Uint32Array.of(count));
    await device.queue.onSubmittedWorkDone();
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(workgroups);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  };
  let count = 1;
  await time(count);
  while ((await time(count)) < targetMs && count < 1 << 16) count *= 2;
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const flops = 2 * 4 * CHAINS * STEPS * count * workgroups * INVOCATIONS;
    best = Math.max(best, flops / (await time(count)) / 1e6);
  }
  out.destroy();
  loops.destroy();
  return best;
}
