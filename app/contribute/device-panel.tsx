import { useId, useState } from 'react';
import { Disclosure, Fact, HexText, Section } from '../ui/section.tsx';
import { isBusy } from '../volunteer/phase.ts';
import { useView } from '../volunteer/volunteer-context.tsx';
import type { EngineChoice } from '../volunteer/volunteer-port.ts';
import { ShareSlider } from './share-slider.tsx';
import { useWakeLock } from './use-wake-lock.ts';

const NAME = { reference: 'Plain TypeScript', wasm: 'WebAssembly', webgpu: 'WebGPU' } as const;

interface DevicePanelProps {
  readonly engine: EngineChoice;
  readonly onEngine: (engine: EngineChoice) => void;
}

/** What computes here, and whether its bits are the same as everybody's. */
export function DevicePanel({ engine, onEngine }: DevicePanelProps) {
  const used = useView((view) => view.engine);
  const device = useView((view) => view.device);
  const busy = useView((view) => isBusy(view.phase) || view.phase.kind === 'paused');
  const [awake, setAwake] = useState(false);
  const working = useView((view) => isBusy(view.phase));
  useWakeLock(awake && working);
  const select = useId();
  const chosen = used?.verdicts.find((verdict) => verdict.kind === used.chosen);
  return (
    <Section title="This device">
      <dl className="divide-y divide-line">
        <Fact name="Engine">
          <span data-testid="engine" data-engine={used?.chosen ?? ''}>
            {used === null ? (
              <span className="text-quiet">chosen when you contribute</span>
            ) : (
              used.description
            )}
          </span>
        </Fact>
        <Fact name="Same bits as the reference">
          <span
            data-testid="conformance"
            data-same={chosen?.same ?? ''}
            data-checks={chosen?.checks ?? ''}
            className={chosen !== undefined && chosen.same < chosen.checks ? 'text-bad' : ''}
          >
            {chosen === undefined ? (
              <span className="text-quiet">not tried yet</span>
            ) : (
              `${chosen.same} of ${chosen.checks} checks`
            )}
          </span>
        </Fact>
        <Fact name="Device" testId="device">
          {device === null ? (
            <span className="text-quiet">no key yet</span>
          ) : (
            <HexText value={device.address} testId="device-address" />
          )}
        </Fact>
      </dl>
      {used === null ? null : <p className="mt-2 text-note text-quiet">{used.reason}</p>}
      {used === null || used.verdicts.length < 2 ? null : (
        <Disclosure summary={<>All engines tried</>}>
          <ul className="space-y-1">
            {used.verdicts.map((verdict) => (
              <li key={verdict.kind}>
                <span className="font-medium">{NAME[verdict.kind]}</span>{' '}
                <span className="text-quiet">
                  {verdict.unavailable ??
                    `${verdict.same} of ${verdict.checks} checks${verdict.speed === undefined ? '' : `, ${verdict.speed.toFixed(1)} GFLOP/s (billions of operations a second)`}`}
                </span>
              </li>
            ))}
          </ul>
        </Disclosure>
      )}
      <div className="mt-3 flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <label htmlFor={select} className="text-note text-quiet">
          Compute with
        </label>
        <select
          id={select}
          data-testid="engine-choice"
          value={engine}
          disabled={busy}
          onChange={(event) => onEngine(parseEngineChoice(event.target.value))}
          className="min-h-10 rounded-lg border border-line-strong/60 bg-raised px-3 text-note disabled:opacity-60"
        >
          <option value="auto">the fastest that is exact</option>
          <option value="webgpu">WebGPU</option>
          <option value="wasm">WebAssembly</option>
          <option value="reference">plain TypeScript (slow)</option>
        </select>
      </div>
      {busy ? <p className="mt-1 text-note text-quiet">Stop to change it.</p> : null}
      <ShareSlider />
      <label className="mt-2 flex min-h-9 items-center gap-2 text-note text-quiet">
        <input
          type="checkbox"
          className="size-4 accent-accent"
          data-testid="wake-lock"
          checked={awake}
          onChange={(event) => setAwake(event.target.checked)}
        />
        Keep the screen on while contributing
      </label>
    </Section>
  );
}

/** Reads an engine's name as it stands in `?engine=`; anything else means automatic. */
export function parseEngineChoice(text: string | null): EngineChoice {
  return text === 'webgpu' || text === 'wasm' || text === 'reference' ? text : 'auto';
}
