import { useId, useState } from 'react';
import { CheckBox } from '../ui/check-box.tsx';
import { Disclosure, Fact, HexText, Section } from '../ui/section.tsx';
import { Select } from '../ui/select.tsx';
import { type EngineChoice, engineOptions } from '../volunteer/engine-choice.ts';
import { isBusy } from '../volunteer/phase.ts';
import { useView } from '../volunteer/volunteer-context.tsx';
import { ShareSlider } from './share-slider.tsx';
import { useWakeLock } from './use-wake-lock.ts';

const ENGINES = engineOptions(['auto', 'webgpu', 'wasm', 'reference']);

const NAME = { reference: 'Plain TypeScript', wasm: 'WebAssembly', webgpu: 'WebGPU' } as const;

interface DevicePanelProps {
  readonly engine: EngineChoice;
  readonly onEngine: (engine: EngineChoice) => void;
}

/** What computes on this device, and whether its bits are those of the reference. */
export function DevicePanel({ engine, onEngine }: DevicePanelProps) {
  const used = useView((view) => view.engine);
  const device = useView((view) => view.device);
  const busy = useView((view) => isBusy(view.phase) || view.phase.kind === 'paused');
  const [awake, setAwake] = useState(false);
  const working = useView((view) => isBusy(view.phase));
  useWakeLock(awake && working);
  const select = useId();
  const chosen = used?.verdicts.find((verdict) => verdict.kind === used.kind);
  return (
    <Section title="This device">
      <dl className="divide-y divide-line">
        <Fact name="Engine">
          <span data-testid="engine" data-engine={used?.kind ?? ''}>
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
        <Select
          id={select}
          testId="engine-choice"
          value={engine}
          options={ENGINES}
          disabled={busy}
          onChange={onEngine}
          className="min-h-10 text-note"
        />
      </div>
      {busy ? <p className="mt-1 text-note text-quiet">Stop to change it.</p> : null}
      <ShareSlider />
      <CheckBox className="mt-2 text-note text-quiet" testId="wake-lock" checked={awake} onChange={setAwake}>
        Keep the screen on while contributing
      </CheckBox>
    </Section>
  );
}
