import { use, useContext, useEffect } from 'react';
import { ScreenIntro } from '../ui/screen-intro.tsx';
import type { EngineChoice } from '../volunteer/engine-choice.ts';
import { AskPanel } from './ask-panel.tsx';
import { ChoosePanel } from './choose-panel.tsx';
import { ModelPanel } from './model-panel.tsx';
import { ModelsContext, OpenModelsContext, useModels } from './models-context.tsx';
import { TeachPanel } from './teach-panel.tsx';

/** A published model on this device: chosen, loaded, asked, taught. Suspends until the controller is open. */
export default function ModelsScreen({ engine }: { readonly engine: EngineChoice }) {
  const models = useContext(OpenModelsContext);
  if (models === null) throw new Error('Wrap this component in OpenModelsContext.');
  const controller = use(models.open());
  useEffect(() => void controller.refresh(), [controller]);
  return (
    <ModelsContext value={controller}>
      <main className="space-y-10">
        <ScreenIntro title="Use a published model, on this device">
          Bring a checkpoint of Qwen2.5’s or Llama’s shape. It answers here and learns here, from text that
          never leaves this device, with the same bits as on any other.
        </ScreenIntro>
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
