import { useEffect } from 'react';
import type { EngineChoice } from '../volunteer/volunteer-port.ts';
import { AskPanel } from './ask-panel.tsx';
import { ChoosePanel } from './choose-panel.tsx';
import { ModelPanel } from './model-panel.tsx';
import { ModelsContext, useModels } from './models-context.tsx';
import type { ModelsDesk } from './models-controller.ts';
import { modelsDesk } from './open-models.ts';
import { TeachPanel } from './teach-panel.tsx';

interface ModelsScreenProps {
  readonly engine: EngineChoice;
  /** Only drawings without a worker replace it. */
  readonly desk?: ModelsDesk;
}

/** A published model on this device: chosen, loaded, asked, taught. */
export default function ModelsScreen({ engine, desk = modelsDesk() }: ModelsScreenProps) {
  useEffect(() => void desk.refresh(), [desk]);
  return (
    <ModelsContext value={desk}>
      <main className="space-y-10">
        <div className="max-w-2xl pt-6">
          <h1 className="text-headline font-semibold tracking-tight text-balance">
            Use a published model, on this device
          </h1>
          <p className="mt-3 text-lead text-quiet text-pretty">
            Bring a checkpoint of Qwen2.5’s or Llama’s shape. It answers here and learns here, from text that
            never leaves this device, with the same bits as on any other.
          </p>
        </div>
        <ChoosePanel />
        <Chosen engine={engine} />
      </main>
    </ModelsContext>
  );
}

function Chosen({ engine }: { readonly engine: EngineChoice }) {
  const turn = useModels((view) => view.model?.turn ?? null);
  const loaded = useModels((view) => view.model?.load.kind === 'loaded');
  const unsaved = useModels((view) => view.model?.adapter?.unsaved === true);
  useEffect(() => {
    if (!unsaved) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [unsaved]);
  if (turn === null) return null;
  return (
    <>
      <ModelPanel key={turn} engine={engine} />
      {loaded ? (
        <>
          <AskPanel key={`ask ${turn}`} />
          <TeachPanel key={`teach ${turn}`} />
        </>
      ) : null}
    </>
  );
}
